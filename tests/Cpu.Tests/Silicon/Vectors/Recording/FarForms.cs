// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Tests.Silicon.Vectors.Recording;

/// <summary>Far branches within the code segment that a process has, or to where they are refused.</summary>
internal static class FarForms
{
    private const ulong Code64 = 0x33;
    private const ulong Code32 = 0x23;
    private const ulong UserStack = 0x2B;
    private const ulong AlwaysSet = 0x202;

    // Null; code and data of the kernel; data; outside of the table.
    private static readonly ulong[] s_refused = [0, 3, 0x08, 0x0B, 0x10, 0x13, 0x18, 0x28, 0x2B, 0x3B, 0x80, 0xFFF8];

    // With 16 bits of offset they end outside of the block.
    private static readonly Code[] s_forms =
    [
        Code.Jmp_ptr1632, Code.Call_ptr1632, Code.Jmp_m1632, Code.Jmp_m1664, Code.Call_m1632, Code.Call_m1664,
        Code.Retfd, Code.Retfd_imm16, Code.Retfq, Code.Retfq_imm16, Code.Iretd, Code.Iretq,
    ];

    public static bool IsFar(in Instruction instruction) => instruction.IsJmpFar || instruction.IsCallFar
        || instruction.IsJmpFarIndirect || instruction.IsCallFarIndirect;

    public static IEnumerable<(SiliconCase Made, VectorOverride[] Needs)> Of(int bits, Random random)
    {
        foreach (Code code in s_forms)
        {
            if (bits == 16 || !ExampleInstruction.TryMake(code, bits, out Instruction example))
            {
                continue;
            }

            ulong own = bits == 64 ? Code64 : Code32;
            ulong selector = random.Next(3) == 0 ? s_refused[random.Next(s_refused.Length)] : own;

            // The target is known when the address is, and the immediate has it.
            SiliconCase probe = SystemForms.Case(example, bits, random);
            ulong target = probe.Address + SiliconLayout.TakenOffset;
            if (example.Op0Kind == OpKind.FarBranch32)
            {
                example.FarBranch32 = (uint)target;
                example.FarBranchSelector = (ushort)selector;
            }

            SiliconCase made = new()
            {
                Instructions = [example],
                Bits = bits,
                Bytes = CaseGenerator.Encode(example, probe.Address, bits)!,
                Address = probe.Address,
                Gprs = probe.Gprs,
                RFlags = 0,
                Data = [],
                Stack = [],
                UndefinedFlags = 0,
            };
            yield return (made, Needs(example, bits, target, selector, made.Gprs[(int)Gpr.Rsp]));
        }
    }

    private static VectorOverride[] Needs(
        in Instruction instruction, int bits, ulong target, ulong selector, ulong stack)
    {
        const int Operand = SiliconLayout.DataBytes - SiliconLayout.FxStateBytes;
        const int Top = SiliconLayout.StackBytes / 2;
        ulong both = target | (selector << 32);
        VectorOverride flags = new(VectorOverride.Stack, Top + 8, SiliconResult.ComparedFlags, AlwaysSet);
        return instruction.Code switch
        {
            Code.Jmp_m1632 or Code.Call_m1632 => [Word(VectorOverride.Data, Operand, both)],
            Code.Jmp_m1664 or Code.Call_m1664 =>
                [Word(VectorOverride.Data, Operand, target), Word(VectorOverride.Data, Operand + 8, selector)],
            Code.Retfd or Code.Retfd_imm16 => [Word(VectorOverride.Stack, Top, both)],
            Code.Retfq or Code.Retfq_imm16 =>
                [Word(VectorOverride.Stack, Top, target), Word(VectorOverride.Stack, Top + 8, selector)],
            Code.Iretd when bits == 32 => [Word(VectorOverride.Stack, Top, both), flags],
            Code.Iretd =>
            [
                Word(VectorOverride.Stack, Top, both), flags with { Ones = AlwaysSet | (stack << 32) },
                Word(VectorOverride.Stack, Top + 16, UserStack),
            ],
            Code.Iretq =>
            [
                Word(VectorOverride.Stack, Top, target), Word(VectorOverride.Stack, Top + 8, selector),
                flags with { Offset = Top + 16 }, Word(VectorOverride.Stack, Top + 24, stack),
                Word(VectorOverride.Stack, Top + 32, UserStack),
            ],
            _ => [],
        };
    }

    private static VectorOverride Word(byte place, int offset, ulong value) => new(place, (ushort)offset, 0, value);
}
