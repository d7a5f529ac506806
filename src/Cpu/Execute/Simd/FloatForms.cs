// SPDX-License-Identifier: Apache-2.0

using System.Runtime.Intrinsics;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Float;
using KvmActors.Cpu.State;
using Bytes = System.Runtime.Intrinsics.Vector128<byte>;

namespace KvmActors.Cpu.Execute.Simd;

// JUSTIFICATION: see SimdRule.
// SAFETY: FloatInstructions gives each form a kernel of the signature it calls.

/// <summary>Floating-point instructions whose destination is an XMM register and whose source one or memory.</summary>
internal static unsafe class FloatForms
{
    /// <summary>All four elements = kernel(destination, source).</summary>
    public static Outcome Packed32(CpuState* state, Uop* uop)
    {
        if (!TryRead(state, uop, out Bytes source, out FloatContext context, out Outcome refusal))
        {
            return refusal;
        }

        var operation = (delegate* managed<uint, uint, ref FloatContext, uint>)uop->Immediate;
        Bytes* destination = XmmRegisters.At(state, uop->Destination);
        Vector128<uint> result = default;
        for (int element = 0; element < Vector128<uint>.Count; element++)
        {
            result = result.WithElement(
                element, operation(destination->AsUInt32()[element], source.AsUInt32()[element], ref context));
        }
        return Finish(state, uop, context, result.AsByte());
    }

    /// <summary>Both elements = kernel(destination, source).</summary>
    public static Outcome Packed64(CpuState* state, Uop* uop)
    {
        if (!TryRead(state, uop, out Bytes source, out FloatContext context, out Outcome refusal))
        {
            return refusal;
        }

        var operation = (delegate* managed<ulong, ulong, ref FloatContext, ulong>)uop->Immediate;
        Bytes* destination = XmmRegisters.At(state, uop->Destination);
        Vector128<ulong> result = default;
        for (int element = 0; element < Vector128<ulong>.Count; element++)
        {
            result = result.WithElement(
                element, operation(destination->AsUInt64()[element], source.AsUInt64()[element], ref context));
        }
        return Finish(state, uop, context, result.AsByte());
    }

    /// <summary>The lowest element = kernel(destination, source); the others stay.</summary>
    public static Outcome Scalar32(CpuState* state, Uop* uop)
    {
        if (!TryRead(state, uop, out Bytes source, out FloatContext context, out Outcome refusal))
        {
            return refusal;
        }

        var operation = (delegate* managed<uint, uint, ref FloatContext, uint>)uop->Immediate;
        Bytes* destination = XmmRegisters.At(state, uop->Destination);
        uint low = operation(destination->AsUInt32().ToScalar(), source.AsUInt32().ToScalar(), ref context);
        Vector128<uint> result = destination->AsUInt32().WithElement(0, low);
        return Finish(state, uop, context, result.AsByte());
    }

    /// <summary>The lower element = kernel(destination, source); the other stays.</summary>
    public static Outcome Scalar64(CpuState* state, Uop* uop)
    {
        if (!TryRead(state, uop, out Bytes source, out FloatContext context, out Outcome refusal))
        {
            return refusal;
        }

        var operation = (delegate* managed<ulong, ulong, ref FloatContext, ulong>)uop->Immediate;
        Bytes* destination = XmmRegisters.At(state, uop->Destination);
        ulong low = operation(destination->AsUInt64().ToScalar(), source.AsUInt64().ToScalar(), ref context);
        Vector128<ulong> result = destination->AsUInt64().WithElement(0, low);
        return Finish(state, uop, context, result.AsByte());
    }

    /// <summary>Destination = kernel(destination, source, immediate).</summary>
    public static Outcome Whole(CpuState* state, Uop* uop)
    {
        if (!TryRead(state, uop, out Bytes source, out FloatContext context, out Outcome refusal))
        {
            return refusal;
        }

        var kernel = (delegate* managed<Bytes, Bytes, byte, ref FloatContext, Bytes>)uop->Immediate;
        Bytes result = kernel(*XmmRegisters.At(state, uop->Destination), source, uop->Detail, ref context);
        return Finish(state, uop, context, result);
    }

    /// <summary>ZF, PF and CF = kernel(destination, source); OF, SF and AF are cleared.</summary>
    public static Outcome Compare(CpuState* state, Uop* uop)
    {
        if (!TryRead(state, uop, out Bytes source, out FloatContext context, out Outcome refusal))
        {
            return refusal;
        }

        var kernel = (delegate* managed<Bytes, Bytes, ref FloatContext, FloatOrder>)uop->Immediate;
        FloatOrder order = kernel(*XmmRegisters.At(state, uop->Destination), source, ref context);
        if (!SimdExceptions.TryPass(state, context))
        {
            return Outcome.NotRetired;
        }

        LazyFlags.WriteStatus(state, order switch
        {
            FloatOrder.Less => RFlags.Carry,
            FloatOrder.Equal => RFlags.Zero,
            FloatOrder.Greater => 0,
            FloatOrder.Unordered => RFlags.Zero | RFlags.Parity | RFlags.Carry,
        });
        return Outcome.Next;
    }

    /// <summary>Checks that SSE may run, loads the second operand and begins with MXCSR.</summary>
    public static bool TryRead(
        CpuState* state, Uop* uop, out Bytes source, out FloatContext context, out Outcome refusal)
    {
        refusal = Outcome.NotRetired;
        context = FloatContext.FromMxcsr(*XmmRegisters.Mxcsr(state));
        if (!SimdAvailability.HasSse(state))
        {
            source = default;
            refusal = SimdAvailability.RefuseSse(state);
            return false;
        }

        return VectorOperand.TryReadXmm(state, uop, out source);
    }

    private static Outcome Finish(CpuState* state, Uop* uop, in FloatContext context, Bytes result)
    {
        if (!SimdExceptions.TryPass(state, context))
        {
            return Outcome.NotRetired;
        }

        *XmmRegisters.At(state, uop->Destination) = result;
        return Outcome.Next;
    }
}
