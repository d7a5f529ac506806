// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Decode;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operands;

// JUSTIFICATION: see CpuState.
// SAFETY: see RegisterFile and MemoryReference.

/// <summary>Operands whose kind and size are looked at when the instruction runs: the compact way, for instructions
/// that are not frequent. Values are zero-extended.</summary>
/// <remarks>On false the fault is recorded and raised, so that the caller returns <see cref="Outcome.NotRetired"/>.
/// </remarks>
internal static unsafe class GeneralOperand
{
    public static int Bytes(Uop* uop) => 1 << uop->SizeLog;

    public static int Bits(Uop* uop) => 8 << uop->SizeLog;

    /// <summary>The size as <see cref="LazyFlags"/> has it.</summary>
    public static int Shape(Uop* uop) => Bits(uop) - 2;

    public static bool TryReadDestination(CpuState* state, Uop* uop, out ulong value) =>
        TryRead(state, uop, uop->DestinationKind, uop->Destination, Bytes(uop), out value);

    public static bool TryReadDestination(CpuState* state, Uop* uop, int sizeBytes, out ulong value) =>
        TryRead(state, uop, uop->DestinationKind, uop->Destination, sizeBytes, out value);

    public static bool TryReadSource(CpuState* state, Uop* uop, out ulong value) =>
        TryRead(state, uop, uop->SourceKind, uop->Source, Bytes(uop), out value);

    public static bool TryReadSource(CpuState* state, Uop* uop, int sizeBytes, out ulong value) =>
        TryRead(state, uop, uop->SourceKind, uop->Source, sizeBytes, out value);

    public static bool TryReadThird(CpuState* state, Uop* uop, out ulong value) =>
        TryRead(state, uop, uop->ThirdKind, uop->Third, Bytes(uop), out value);

    /// <summary>Reads the destination, after making sure that a write will succeed.</summary>
    public static bool TryReadForModify(CpuState* state, Uop* uop, out ulong value)
    {
        if (uop->DestinationKind == OperandKind.Register)
        {
            value = RegisterFile.Read(state, uop->Destination, Bytes(uop));
            return true;
        }

        bool loaded = MemoryReference.ReadForModify(state, uop, Bytes(uop));
        value = state->Loaded;
        return loaded;
    }

    public static bool TryWriteDestination(CpuState* state, Uop* uop, ulong value) =>
        TryWriteDestination(state, uop, Bytes(uop), value);

    public static bool TryWriteDestination(CpuState* state, Uop* uop, int sizeBytes, ulong value)
    {
        if (uop->DestinationKind != OperandKind.Register)
        {
            return MemoryReference.Write(state, uop, sizeBytes, value);
        }

        RegisterFile.Write(state, uop->Destination, sizeBytes, value);
        return true;
    }

    /// <summary>Sign-extends a value of so many bits.</summary>
    public static long Extend(ulong value, int bits) => (long)(value << (64 - bits)) >> (64 - bits);

    /// <summary>Cuts a value to so many bits.</summary>
    public static ulong Cut(ulong value, int bits) => bits == 64 ? value : value & ((1ul << bits) - 1);

    private static bool TryRead(
        CpuState* state, Uop* uop, OperandKind kind, byte register, int sizeBytes, out ulong value)
    {
        switch (kind)
        {
            case OperandKind.Register:
                value = RegisterFile.Read(state, register, sizeBytes);
                return true;
            case OperandKind.Memory:
                bool loaded = MemoryReference.Read(state, uop, sizeBytes);
                value = state->Loaded;
                return loaded;
            default:
                value = Cut(uop->Immediate, 8 * sizeBytes);
                return true;
        }
    }
}
