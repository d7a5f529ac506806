// SPDX-License-Identifier: Apache-2.0

using System.Runtime.Intrinsics;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.State;
using Bytes = System.Runtime.Intrinsics.Vector128<byte>;

namespace KvmActors.Cpu.Execute.Simd;

// JUSTIFICATION: see SimdRule.
// SAFETY: SimdTable gives each form a kernel of the signature it calls.

/// <summary>Instructions whose destination is an MMX register and whose source one or memory: the kernels of XMM, of
/// whose results the low half is kept.</summary>
internal static unsafe class MmxForms
{
    public static Outcome Unary(CpuState* state, Uop* uop)
    {
        if (!TryRead(state, uop, out Bytes source, out _, out Outcome refusal))
        {
            return refusal;
        }

        var kernel = (delegate* managed<Bytes, Bytes>)uop->Immediate;
        return Finish(state, uop, kernel(source));
    }

    public static Outcome UnaryImmediate(CpuState* state, Uop* uop)
    {
        if (!TryRead(state, uop, out Bytes source, out _, out Outcome refusal))
        {
            return refusal;
        }

        var kernel = (delegate* managed<Bytes, byte, Bytes>)uop->Immediate;
        return Finish(state, uop, kernel(source, uop->Detail));
    }

    public static Outcome Binary(CpuState* state, Uop* uop)
    {
        if (!TryRead(state, uop, out Bytes source, out Bytes destination, out Outcome refusal))
        {
            return refusal;
        }

        var kernel = (delegate* managed<Bytes, Bytes, Bytes>)uop->Immediate;
        return Finish(state, uop, kernel(destination, source));
    }

    public static Outcome BinaryImmediate(CpuState* state, Uop* uop)
    {
        if (!TryRead(state, uop, out Bytes source, out Bytes destination, out Outcome refusal))
        {
            return refusal;
        }

        var kernel = (delegate* managed<Bytes, Bytes, byte, Bytes>)uop->Immediate;
        return Finish(state, uop, kernel(destination, source, uop->Detail));
    }

    /// <summary>Destination and source are the two halves of the kernel's destination.</summary>
    public static Outcome Joined(CpuState* state, Uop* uop)
    {
        if (!TryRead(state, uop, out Bytes source, out Bytes destination, out Outcome refusal))
        {
            return refusal;
        }

        var kernel = (delegate* managed<Bytes, Bytes, Bytes>)uop->Immediate;
        var joined = Vector128.Create(destination.GetLower(), source.GetLower());
        return Finish(state, uop, kernel(joined, Bytes.Zero));
    }

    /// <summary>A shift by an immediate, which is the source.</summary>
    public static Outcome ByImmediate(CpuState* state, Uop* uop)
    {
        if (!SimdAvailability.HasMmx(state))
        {
            return SimdAvailability.RefuseMmx(state);
        }

        var kernel = (delegate* managed<Bytes, Bytes, Bytes>)uop->Immediate;
        Bytes destination = Vector128.CreateScalar(MmxRegisters.Read(state, uop->Destination)).AsByte();
        return Finish(state, uop, kernel(destination, Vector128.CreateScalar((ulong)uop->Detail).AsByte()));
    }

    /// <summary>MOVQ and MOVNTQ to memory.</summary>
    public static Outcome Store(CpuState* state, Uop* uop)
    {
        if (!SimdAvailability.HasMmx(state))
        {
            return SimdAvailability.RefuseMmx(state);
        }

        ulong value = MmxRegisters.Read(state, uop->Source);
        if (!MemoryReference.Write(state, uop, 1 << uop->SizeLog, value))
        {
            return Outcome.NotRetired;
        }

        MmxRegisters.Enter(state);
        return Outcome.Next;
    }

    /// <summary>MOVQ2DQ.</summary>
    public static Outcome ToXmm(CpuState* state, Uop* uop)
    {
        if (!SimdAvailability.HasBoth(state))
        {
            return SimdAvailability.RefuseBoth(state);
        }

        ulong value = MmxRegisters.Read(state, uop->Source);
        MmxRegisters.Enter(state);
        *XmmRegisters.At(state, uop->Destination) = Vector128.CreateScalar(value).AsByte();
        return Outcome.Next;
    }

    /// <summary>MOVDQ2Q.</summary>
    public static Outcome FromXmm(CpuState* state, Uop* uop) => !SimdAvailability.HasBoth(state)
        ? SimdAvailability.RefuseBoth(state)
        : Finish(state, uop, *XmmRegisters.At(state, uop->Source));

    /// <summary>Writes the low half of a value to the destination.</summary>
    public static Outcome Finish(CpuState* state, Uop* uop, Bytes value)
    {
        MmxRegisters.Enter(state);
        MmxRegisters.Write(state, uop->Destination, value.AsUInt64().ToScalar());
        return Outcome.Next;
    }

    private static bool TryRead(
        CpuState* state, Uop* uop, out Bytes source, out Bytes destination, out Outcome refusal)
    {
        refusal = Outcome.NotRetired;
        source = default;
        destination = Vector128.CreateScalar(MmxRegisters.Read(state, uop->Destination)).AsByte();
        if (!SimdAvailability.HasMmx(state))
        {
            refusal = SimdAvailability.RefuseMmx(state);
            return false;
        }

        return VectorOperand.TryReadMmx(state, uop, out source);
    }
}
