// SPDX-License-Identifier: Apache-2.0

using System.Runtime.Intrinsics;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.Float;
using KvmActors.Cpu.State;
using Bytes = System.Runtime.Intrinsics.Vector128<byte>;

namespace KvmActors.Cpu.Execute.Simd;

// JUSTIFICATION: see SimdRule.
// SAFETY: ConversionInstructions gives each form a kernel of the signature it calls.

/// <summary>Conversions between floating-point numbers in XMM registers and integers in MMX or general-purpose
/// registers.</summary>
/// <remarks>x87 gives way to MMX even if a SIMD exception follows: the manual does not say, and CPUs do it.</remarks>
internal static unsafe class ConversionForms
{
    private const int RegisterBytes = 8;

    /// <summary>XMM destination = kernel(destination, MMX source).</summary>
    public static Outcome FromMmx(CpuState* state, Uop* uop)
    {
        if (!SimdAvailability.HasBoth(state))
        {
            return SimdAvailability.RefuseBoth(state);
        }

        Bytes source = Vector128.CreateScalar(MmxRegisters.Read(state, uop->Source)).AsByte();
        MmxRegisters.Enter(state);
        return FromPair(state, uop, source);
    }

    /// <summary>XMM destination = kernel(destination, 8 bytes of memory): x87 is not touched.</summary>
    public static Outcome FromMemory(CpuState* state, Uop* uop) => !SimdAvailability.HasSse(state)
        ? SimdAvailability.RefuseSse(state)
        : VectorOperand.TryReadMemory(state, uop, out Bytes source) ? FromPair(state, uop, source)
        : Outcome.NotRetired;

    /// <summary>MMX destination = low half of kernel(XMM source or memory).</summary>
    public static Outcome ToMmx(CpuState* state, Uop* uop)
    {
        if (!SimdAvailability.HasBoth(state))
        {
            return SimdAvailability.RefuseBoth(state);
        }

        if (!VectorOperand.TryReadXmm(state, uop, out Bytes source))
        {
            return Outcome.NotRetired;
        }

        MmxRegisters.Enter(state);
        var context = FloatContext.FromMxcsr(*XmmRegisters.Mxcsr(state));
        var kernel = (delegate* managed<Bytes, ref FloatContext, Bytes>)uop->Immediate;
        Bytes result = kernel(source, ref context);
        return SimdExceptions.TryPass(state, context) ? MmxForms.Finish(state, uop, result) : Outcome.NotRetired;
    }

    /// <summary>XMM destination = kernel(destination, general register or memory).</summary>
    public static Outcome FromGeneral(CpuState* state, Uop* uop)
    {
        if (!SimdAvailability.HasSse(state))
        {
            return SimdAvailability.RefuseSse(state);
        }

        if (!GeneralOperand.TryReadSource(state, uop, out ulong source))
        {
            return Outcome.NotRetired;
        }

        var context = FloatContext.FromMxcsr(*XmmRegisters.Mxcsr(state));
        var kernel = (delegate* managed<Bytes, ulong, ref FloatContext, Bytes>)uop->Immediate;
        Bytes result = kernel(*XmmRegisters.At(state, uop->Destination), source, ref context);
        if (!SimdExceptions.TryPass(state, context))
        {
            return Outcome.NotRetired;
        }

        *XmmRegisters.At(state, uop->Destination) = result;
        return Outcome.Next;
    }

    /// <summary>General register = kernel(XMM source or memory).</summary>
    public static Outcome ToGeneral(CpuState* state, Uop* uop)
    {
        if (!FloatForms.TryRead(state, uop, out Bytes source, out FloatContext context, out Outcome refusal))
        {
            return refusal;
        }

        var kernel = (delegate* managed<Bytes, ref FloatContext, ulong>)uop->Immediate;
        ulong result = kernel(source, ref context);
        if (!SimdExceptions.TryPass(state, context))
        {
            return Outcome.NotRetired;
        }

        RegisterFile.Write(state, uop->Destination, RegisterBytes, result);
        return Outcome.Next;
    }

    private static Outcome FromPair(CpuState* state, Uop* uop, Bytes source)
    {
        var context = FloatContext.FromMxcsr(*XmmRegisters.Mxcsr(state));
        var kernel = (delegate* managed<Bytes, Bytes, byte, ref FloatContext, Bytes>)uop->Immediate;
        Bytes result = kernel(*XmmRegisters.At(state, uop->Destination), source, uop->Detail, ref context);
        if (!SimdExceptions.TryPass(state, context))
        {
            return Outcome.NotRetired;
        }

        *XmmRegisters.At(state, uop->Destination) = result;
        return Outcome.Next;
    }
}
