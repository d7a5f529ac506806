// SPDX-License-Identifier: Apache-2.0

using System.Runtime.Intrinsics;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Float;
using KvmActors.Cpu.State;
using Bytes = System.Runtime.Intrinsics.Vector128<byte>;

namespace KvmActors.Cpu.Execute.Simd;

// JUSTIFICATION: see CpuState.
// SAFETY: operands are reached through FloatForms.

/// <summary>DPPS and DPPD: products, then sums of neighbours, each a step with exceptions of its own.</summary>
/// <remarks>Source: Intel SDM vol. 2A, "DPPD", "DPPS".</remarks>
internal static unsafe class DotProductForms
{
    private const int ChosenShift = 4;

    public static Outcome Singles(CpuState* state, Uop* uop)
    {
        if (!FloatForms.TryRead(state, uop, out Bytes source, out FloatContext context, out Outcome refusal))
        {
            return refusal;
        }

        Vector128<uint> left = XmmRegisters.At(state, uop->Destination)->AsUInt32();
        Vector128<uint> right = source.AsUInt32();
        Vector128<uint> products = default;
        FloatContext step = context;
        for (int element = 0; element < Vector128<uint>.Count; element++)
        {
            bool isChosen = ((uop->Detail >> (ChosenShift + element)) & 1) != 0;
            products = isChosen
                ? products.WithElement(element, Float32.Multiply(left[element], right[element], ref step))
                : products;
        }

        if (!SimdExceptions.TryPass(state, step))
        {
            return Outcome.NotRetired;
        }

        step = context;
        uint low = Float32.Add(products[0], products[1], ref step);
        uint high = Float32.Add(products[2], products[3], ref step);
        if (!SimdExceptions.TryPass(state, step))
        {
            return Outcome.NotRetired;
        }

        step = context;
        uint sum = Float32.Add(low, high, ref step);
        if (!SimdExceptions.TryPass(state, step))
        {
            return Outcome.NotRetired;
        }

        var bits = Vector128.Create(1u, 2, 4, 8);
        var written = Vector128.Equals(Vector128.Create((uint)uop->Detail) & bits, bits);
        *XmmRegisters.At(state, uop->Destination) = (Vector128.Create(sum) & written).AsByte();
        return Outcome.Next;
    }

    public static Outcome Doubles(CpuState* state, Uop* uop)
    {
        if (!FloatForms.TryRead(state, uop, out Bytes source, out FloatContext context, out Outcome refusal))
        {
            return refusal;
        }

        Vector128<ulong> left = XmmRegisters.At(state, uop->Destination)->AsUInt64();
        Vector128<ulong> right = source.AsUInt64();
        Vector128<ulong> products = default;
        FloatContext step = context;
        for (int element = 0; element < Vector128<ulong>.Count; element++)
        {
            bool isChosen = ((uop->Detail >> (ChosenShift + element)) & 1) != 0;
            products = isChosen
                ? products.WithElement(element, Float64.Multiply(left[element], right[element], ref step))
                : products;
        }

        if (!SimdExceptions.TryPass(state, step))
        {
            return Outcome.NotRetired;
        }

        step = context;
        ulong sum = Float64.Add(products[0], products[1], ref step);
        if (!SimdExceptions.TryPass(state, step))
        {
            return Outcome.NotRetired;
        }

        var bits = Vector128.Create(1ul, 2);
        var written = Vector128.Equals(Vector128.Create((ulong)uop->Detail) & bits, bits);
        *XmmRegisters.At(state, uop->Destination) = (Vector128.Create(sum) & written).AsByte();
        return Outcome.Next;
    }
}
