// SPDX-License-Identifier: Apache-2.0

using System.Runtime.Intrinsics;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.State;
using Bytes = System.Runtime.Intrinsics.Vector128<byte>;

namespace KvmActors.Cpu.Execute.Simd;

// JUSTIFICATION: see SimdRule.
// SAFETY: SimdTable gives each form a kernel of the signature it calls.

/// <summary>Instructions between general-purpose registers, or memory in their place, and XMM or MMX registers.
/// </summary>
internal static unsafe class GeneralForms
{
    private const int RegisterBytes = 8;

    /// <summary>XMM destination = kernel(destination, source, immediate).</summary>
    public static Outcome ToXmm(CpuState* state, Uop* uop)
    {
        if (!SimdAvailability.HasSse(state))
        {
            return SimdAvailability.RefuseSse(state);
        }

        if (!GeneralOperand.TryReadSource(state, uop, out ulong source))
        {
            return Outcome.NotRetired;
        }

        var kernel = (delegate* managed<Bytes, ulong, byte, Bytes>)uop->Immediate;
        Bytes* destination = XmmRegisters.At(state, uop->Destination);
        *destination = kernel(*destination, source, uop->Detail);
        return Outcome.Next;
    }

    /// <summary>MMX destination = low half of kernel(destination, source, immediate).</summary>
    public static Outcome ToMmx(CpuState* state, Uop* uop)
    {
        if (!SimdAvailability.HasMmx(state))
        {
            return SimdAvailability.RefuseMmx(state);
        }

        if (!GeneralOperand.TryReadSource(state, uop, out ulong source))
        {
            return Outcome.NotRetired;
        }

        var kernel = (delegate* managed<Bytes, ulong, byte, Bytes>)uop->Immediate;
        Bytes destination = Vector128.CreateScalar(MmxRegisters.Read(state, uop->Destination)).AsByte();
        return MmxForms.Finish(state, uop, kernel(destination, source, uop->Detail));
    }

    /// <summary>General destination = kernel(XMM source, immediate); a register is written whole.</summary>
    public static Outcome FromXmm(CpuState* state, Uop* uop)
    {
        if (!SimdAvailability.HasSse(state))
        {
            return SimdAvailability.RefuseSse(state);
        }

        var kernel = (delegate* managed<Bytes, byte, ulong>)uop->Immediate;
        ulong value = kernel(*XmmRegisters.At(state, uop->Source), uop->Detail);
        return TryStore(state, uop, value) ? Outcome.Next : Outcome.NotRetired;
    }

    /// <summary>General destination = kernel(MMX source, immediate); a register is written whole.</summary>
    public static Outcome FromMmx(CpuState* state, Uop* uop)
    {
        if (!SimdAvailability.HasMmx(state))
        {
            return SimdAvailability.RefuseMmx(state);
        }

        var kernel = (delegate* managed<Bytes, byte, ulong>)uop->Immediate;
        Bytes source = Vector128.CreateScalar(MmxRegisters.Read(state, uop->Source)).AsByte();
        if (!TryStore(state, uop, kernel(source, uop->Detail)))
        {
            return Outcome.NotRetired;
        }

        MmxRegisters.Enter(state);
        return Outcome.Next;
    }

    private static bool TryStore(CpuState* state, Uop* uop, ulong value)
    {
        int sizeBytes = uop->DestinationKind == OperandKind.Register ? RegisterBytes : 1 << uop->SizeLog;
        return GeneralOperand.TryWriteDestination(state, uop, sizeBytes, value);
    }
}
