// SPDX-License-Identifier: Apache-2.0

using System.Runtime.Intrinsics;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.State;
using Bytes = System.Runtime.Intrinsics.Vector128<byte>;

namespace KvmActors.Cpu.Execute.Simd;

// JUSTIFICATION: see SimdRule.
// SAFETY: SimdTable gives each form a kernel of the signature it calls.

/// <summary>Instructions whose destination is an XMM register and whose source one or memory.</summary>
internal static unsafe class XmmForms
{
    public static Outcome Unary(CpuState* state, Uop* uop)
    {
        if (!SimdAvailability.HasSse(state))
        {
            return SimdAvailability.RefuseSse(state);
        }

        if (!VectorOperand.TryReadXmm(state, uop, out Bytes source))
        {
            return Outcome.NotRetired;
        }

        var kernel = (delegate* managed<Bytes, Bytes>)uop->Immediate;
        *XmmRegisters.At(state, uop->Destination) = kernel(source);
        return Outcome.Next;
    }

    public static Outcome UnaryImmediate(CpuState* state, Uop* uop)
    {
        if (!SimdAvailability.HasSse(state))
        {
            return SimdAvailability.RefuseSse(state);
        }

        if (!VectorOperand.TryReadXmm(state, uop, out Bytes source))
        {
            return Outcome.NotRetired;
        }

        var kernel = (delegate* managed<Bytes, byte, Bytes>)uop->Immediate;
        *XmmRegisters.At(state, uop->Destination) = kernel(source, uop->Detail);
        return Outcome.Next;
    }

    public static Outcome Binary(CpuState* state, Uop* uop)
    {
        if (!SimdAvailability.HasSse(state))
        {
            return SimdAvailability.RefuseSse(state);
        }

        if (!VectorOperand.TryReadXmm(state, uop, out Bytes source))
        {
            return Outcome.NotRetired;
        }

        var kernel = (delegate* managed<Bytes, Bytes, Bytes>)uop->Immediate;
        Bytes* destination = XmmRegisters.At(state, uop->Destination);
        *destination = kernel(*destination, source);
        return Outcome.Next;
    }

    public static Outcome BinaryImmediate(CpuState* state, Uop* uop)
    {
        if (!SimdAvailability.HasSse(state))
        {
            return SimdAvailability.RefuseSse(state);
        }

        if (!VectorOperand.TryReadXmm(state, uop, out Bytes source))
        {
            return Outcome.NotRetired;
        }

        var kernel = (delegate* managed<Bytes, Bytes, byte, Bytes>)uop->Immediate;
        Bytes* destination = XmmRegisters.At(state, uop->Destination);
        *destination = kernel(*destination, source, uop->Detail);
        return Outcome.Next;
    }

    /// <summary>The kernel's third operand is XMM0.</summary>
    public static Outcome ByFirstRegister(CpuState* state, Uop* uop)
    {
        if (!SimdAvailability.HasSse(state))
        {
            return SimdAvailability.RefuseSse(state);
        }

        if (!VectorOperand.TryReadXmm(state, uop, out Bytes source))
        {
            return Outcome.NotRetired;
        }

        var kernel = (delegate* managed<Bytes, Bytes, Bytes, Bytes>)uop->Immediate;
        Bytes* destination = XmmRegisters.At(state, uop->Destination);
        *destination = kernel(*destination, source, *XmmRegisters.At(state, 0));
        return Outcome.Next;
    }

    /// <summary>A shift by an immediate, which is the source.</summary>
    public static Outcome ByImmediate(CpuState* state, Uop* uop)
    {
        if (!SimdAvailability.HasSse(state))
        {
            return SimdAvailability.RefuseSse(state);
        }

        var kernel = (delegate* managed<Bytes, Bytes, Bytes>)uop->Immediate;
        Bytes* destination = XmmRegisters.At(state, uop->Destination);
        *destination = kernel(*destination, Vector128.CreateScalar((ulong)uop->Detail).AsByte());
        return Outcome.Next;
    }

    /// <summary>XMM to memory: the low bytes of kernel(register).</summary>
    public static Outcome Store(CpuState* state, Uop* uop)
    {
        if (!SimdAvailability.HasSse(state))
        {
            return SimdAvailability.RefuseSse(state);
        }

        var kernel = (delegate* managed<Bytes, Bytes>)uop->Immediate;
        Bytes value = kernel(*XmmRegisters.At(state, uop->Source));
        return VectorOperand.TryWriteMemory(state, uop, value) ? Outcome.Next : Outcome.NotRetired;
    }
}
