// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute;
using KvmActors.Cpu.Execute.Binding;
using KvmActors.Cpu.Execute.Operations;
using KvmActors.Cpu.State;
using KvmActors.Cpu.Tests.Execute;

namespace KvmActors.Cpu.Tests.Silicon.Vectors;

// JUSTIFICATION: which operation a micro-operation is bound to is a pointer.
// SAFETY: binds one micro-operation on the stack and executes nothing.

/// <summary>Every form that the engine executes, found by binding an example of each form that the decoder knows.
/// </summary>
internal static unsafe class EngineForms
{
    private const ulong Address = 0x2000_2000;

    /// <summary>Forms that are executed in code of 64, 32 or 16 bits.</summary>
    public static IReadOnlyList<Code> All { get; } =
        [.. Enum.GetValues<Code>().Where(code => IsExecuted(code, 64) || IsExecuted(code, 32) || IsExecuted(code, 16))];

    private static bool IsExecuted(Code code, int bits)
    {
        if (!ExampleInstruction.TryMake(code, bits, out Instruction example)
            || CaseGenerator.Encode(example, bits == 16 ? Address & 0xFFFF : Address, bits) is not { } bytes)
        {
            return false;
        }

        Instruction decoded = Decoder.Create(bits, bytes, bits == 16 ? Address & 0xFFFF : Address).Decode();
        if (decoded.Code != code)
        {
            // The bytes mean this on no CPU that has long mode, or are WAIT and another instruction.
            return false;
        }

        Uop uop = default;
        BindingContext context = new()
        {
            Instruction = decoded,
            Uop = &uop,
            Mode = bits switch
            {
                64 => CpuMode.Long64,
                32 => CpuMode.Protected32,
                _ => CpuMode.Protected16,
            },
            Features = (GuestFeature)ulong.MaxValue,
            Cpuid = TestGuest.AllFeatures,
        };
        InstructionBinding<LoopDispatch>.Bind(ref context);
        delegate* managed<CpuState*, Uop*, Outcome> undefined = &UndefinedOperations.Undefined;
        delegate* managed<CpuState*, Uop*, Outcome> unknown = &UndefinedOperations.Unknown;
        delegate* managed<CpuState*, Uop*, Outcome> unknownToo = &UndefinedOperations.UnknownFloatingPoint;
        nint operation = (nint)uop.Operation;
        return operation != (nint)undefined && operation != (nint)unknown && operation != (nint)unknownToo;
    }
}
