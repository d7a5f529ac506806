// SPDX-License-Identifier: Apache-2.0

using System.Runtime.Intrinsics;
using KvmActors.Cpu.Float;
using Bytes = System.Runtime.Intrinsics.Vector128<byte>;

namespace KvmActors.Cpu.Execute.Simd.Kernels;

/// <summary>What SSE does with binary32 beside the arithmetic of <see cref="Float32"/>.</summary>
/// <remarks>Source: Intel SDM vol. 2, "MINPS", "CMPPS", "HADDPS", "ADDSUBPS", "ROUNDPS" and their like.</remarks>
internal static class SingleOperations
{
    public static uint SquareRoot(uint unused, uint value, ref FloatContext context) =>
        Float32.SquareRoot(value, ref context);

    /// <summary>The second if the two are equal or one is no number.</summary>
    public static uint Minimum(uint first, uint second, ref FloatContext context) =>
        Float32.Compare(first, second, ref context, signalsQuiet: true) == FloatOrder.Less
            ? (uint)BinaryFloat<SingleFormat>.Flushed(first, context)
            : (uint)BinaryFloat<SingleFormat>.Flushed(second, context);

    /// <summary>The second if the two are equal or one is no number.</summary>
    public static uint Maximum(uint first, uint second, ref FloatContext context) =>
        Float32.Compare(first, second, ref context, signalsQuiet: true) == FloatOrder.Greater
            ? (uint)BinaryFloat<SingleFormat>.Flushed(first, context)
            : (uint)BinaryFloat<SingleFormat>.Flushed(second, context);

    public static FloatOrder CompareOrdered(Bytes first, Bytes second, ref FloatContext context) =>
        Float32.Compare(first.AsUInt32().ToScalar(), second.AsUInt32().ToScalar(), ref context, signalsQuiet: true);

    public static FloatOrder CompareUnordered(Bytes first, Bytes second, ref FloatContext context) =>
        Float32.Compare(first.AsUInt32().ToScalar(), second.AsUInt32().ToScalar(), ref context, signalsQuiet: false);

    public static Bytes CompareAll(Bytes first, Bytes second, byte predicate, ref FloatContext context)
    {
        Vector128<uint> result = default;
        for (int element = 0; element < Vector128<uint>.Count; element++)
        {
            result = result.WithElement(
                element, Holds(first.AsUInt32()[element], second.AsUInt32()[element], predicate, ref context));
        }

        return result.AsByte();
    }

    public static Bytes CompareLow(Bytes first, Bytes second, byte predicate, ref FloatContext context)
    {
        uint low = Holds(first.AsUInt32().ToScalar(), second.AsUInt32().ToScalar(), predicate, ref context);
        return first.AsUInt32().WithElement(0, low).AsByte();
    }

    /// <summary>HADD: sums of neighbours, first those of the first operand.</summary>
    public static Bytes AddNeighbours(Bytes first, Bytes second, byte unused, ref FloatContext context)
    {
        Vector128<uint> left = PackedWidth.Even32(first, second).AsUInt32();
        Vector128<uint> right = PackedWidth.Odd32(first, second).AsUInt32();
        Vector128<uint> result = default;
        for (int element = 0; element < Vector128<uint>.Count; element++)
        {
            result = result.WithElement(element, Float32.Add(left[element], right[element], ref context));
        }

        return result.AsByte();
    }

    /// <summary>HSUB.</summary>
    public static Bytes SubtractNeighbours(Bytes first, Bytes second, byte unused, ref FloatContext context)
    {
        Vector128<uint> left = PackedWidth.Even32(first, second).AsUInt32();
        Vector128<uint> right = PackedWidth.Odd32(first, second).AsUInt32();
        Vector128<uint> result = default;
        for (int element = 0; element < Vector128<uint>.Count; element++)
        {
            result = result.WithElement(element, Float32.Subtract(left[element], right[element], ref context));
        }

        return result.AsByte();
    }

    /// <summary>ADDSUB: even elements are subtracted, odd ones added.</summary>
    public static Bytes SubtractAndAdd(Bytes first, Bytes second, byte unused, ref FloatContext context)
    {
        Vector128<uint> left = first.AsUInt32();
        Vector128<uint> right = second.AsUInt32();
        Vector128<uint> result = default;
        for (int element = 0; element < Vector128<uint>.Count; element++)
        {
            result = result.WithElement(element, (element & 1) == 0
                ? Float32.Subtract(left[element], right[element], ref context)
                : Float32.Add(left[element], right[element], ref context));
        }

        return result.AsByte();
    }

    public static Bytes RoundAll(Bytes unused, Bytes source, byte control, ref FloatContext context)
    {
        FloatContext rounding = RoundingControl.Begin(context, control);
        Vector128<uint> result = default;
        for (int element = 0; element < Vector128<uint>.Count; element++)
        {
            result = result.WithElement(element, Float32.RoundToInteger(source.AsUInt32()[element], ref rounding));
        }

        RoundingControl.End(rounding, control, ref context);
        return result.AsByte();
    }

    public static Bytes RoundLow(Bytes destination, Bytes source, byte control, ref FloatContext context)
    {
        FloatContext rounding = RoundingControl.Begin(context, control);
        uint low = Float32.RoundToInteger(source.AsUInt32().ToScalar(), ref rounding);
        RoundingControl.End(rounding, control, ref context);
        return destination.AsUInt32().WithElement(0, low).AsByte();
    }

    /// <summary>All ones if the predicate holds: equal, less, less or equal, unordered, and their opposites.</summary>
    private static uint Holds(uint first, uint second, byte predicate, ref FloatContext context)
    {
        int kind = predicate & 3;
        FloatOrder order = Float32.Compare(first, second, ref context, signalsQuiet: kind is 1 or 2);
        bool holds = kind switch
        {
            0 => order == FloatOrder.Equal,
            1 => order == FloatOrder.Less,
            2 => order is FloatOrder.Less or FloatOrder.Equal,
            _ => order == FloatOrder.Unordered,
        };
        bool isOpposite = (predicate & 4) != 0;
        return holds != isOpposite ? uint.MaxValue : 0;
    }
}
