// SPDX-License-Identifier: Apache-2.0

using System.Runtime.Intrinsics;
using KvmActors.Cpu.Float;
using Bytes = System.Runtime.Intrinsics.Vector128<byte>;

namespace KvmActors.Cpu.Execute.Simd.Kernels;

/// <summary>What SSE does with binary64 beside the arithmetic of <see cref="Float64"/>.</summary>
/// <remarks>Source: Intel SDM vol. 2, "MINPS", "CMPPS", "HADDPS", "ADDSUBPS", "ROUNDPS" and their like.</remarks>
internal static class DoubleOperations
{
    public static ulong SquareRoot(ulong unused, ulong value, ref FloatContext context) =>
        Float64.SquareRoot(value, ref context);

    /// <summary>The second if the two are equal or one is no number.</summary>
    public static ulong Minimum(ulong first, ulong second, ref FloatContext context) =>
        Float64.Compare(first, second, ref context, signalsQuiet: true) == FloatOrder.Less
            ? BinaryFloat<DoubleFormat>.Flushed(first, context)
            : BinaryFloat<DoubleFormat>.Flushed(second, context);

    /// <summary>The second if the two are equal or one is no number.</summary>
    public static ulong Maximum(ulong first, ulong second, ref FloatContext context) =>
        Float64.Compare(first, second, ref context, signalsQuiet: true) == FloatOrder.Greater
            ? BinaryFloat<DoubleFormat>.Flushed(first, context)
            : BinaryFloat<DoubleFormat>.Flushed(second, context);

    public static FloatOrder CompareOrdered(Bytes first, Bytes second, ref FloatContext context) =>
        Float64.Compare(first.AsUInt64().ToScalar(), second.AsUInt64().ToScalar(), ref context, signalsQuiet: true);

    public static FloatOrder CompareUnordered(Bytes first, Bytes second, ref FloatContext context) =>
        Float64.Compare(first.AsUInt64().ToScalar(), second.AsUInt64().ToScalar(), ref context, signalsQuiet: false);

    public static Bytes CompareAll(Bytes first, Bytes second, byte predicate, ref FloatContext context)
    {
        Vector128<ulong> result = default;
        for (int element = 0; element < Vector128<ulong>.Count; element++)
        {
            result = result.WithElement(
                element, Holds(first.AsUInt64()[element], second.AsUInt64()[element], predicate, ref context));
        }

        return result.AsByte();
    }

    public static Bytes CompareLow(Bytes first, Bytes second, byte predicate, ref FloatContext context)
    {
        ulong low = Holds(first.AsUInt64().ToScalar(), second.AsUInt64().ToScalar(), predicate, ref context);
        return first.AsUInt64().WithElement(0, low).AsByte();
    }

    /// <summary>HADD: sums of neighbours, first those of the first operand.</summary>
    public static Bytes AddNeighbours(Bytes first, Bytes second, byte unused, ref FloatContext context)
    {
        Vector128<ulong> left = PackedShuffle.UnpackLow64(first, second).AsUInt64();
        Vector128<ulong> right = PackedShuffle.UnpackHigh64(first, second).AsUInt64();
        Vector128<ulong> result = default;
        for (int element = 0; element < Vector128<ulong>.Count; element++)
        {
            result = result.WithElement(element, Float64.Add(left[element], right[element], ref context));
        }

        return result.AsByte();
    }

    /// <summary>HSUB.</summary>
    public static Bytes SubtractNeighbours(Bytes first, Bytes second, byte unused, ref FloatContext context)
    {
        Vector128<ulong> left = PackedShuffle.UnpackLow64(first, second).AsUInt64();
        Vector128<ulong> right = PackedShuffle.UnpackHigh64(first, second).AsUInt64();
        Vector128<ulong> result = default;
        for (int element = 0; element < Vector128<ulong>.Count; element++)
        {
            result = result.WithElement(element, Float64.Subtract(left[element], right[element], ref context));
        }

        return result.AsByte();
    }

    /// <summary>ADDSUB: even elements are subtracted, odd ones added.</summary>
    public static Bytes SubtractAndAdd(Bytes first, Bytes second, byte unused, ref FloatContext context)
    {
        Vector128<ulong> left = first.AsUInt64();
        Vector128<ulong> right = second.AsUInt64();
        Vector128<ulong> result = default;
        for (int element = 0; element < Vector128<ulong>.Count; element++)
        {
            result = result.WithElement(element, (element & 1) == 0
                ? Float64.Subtract(left[element], right[element], ref context)
                : Float64.Add(left[element], right[element], ref context));
        }

        return result.AsByte();
    }

    public static Bytes RoundAll(Bytes unused, Bytes source, byte control, ref FloatContext context)
    {
        FloatContext rounding = RoundingControl.Begin(context, control);
        Vector128<ulong> result = default;
        for (int element = 0; element < Vector128<ulong>.Count; element++)
        {
            result = result.WithElement(element, Float64.RoundToInteger(source.AsUInt64()[element], ref rounding));
        }

        RoundingControl.End(rounding, control, ref context);
        return result.AsByte();
    }

    public static Bytes RoundLow(Bytes destination, Bytes source, byte control, ref FloatContext context)
    {
        FloatContext rounding = RoundingControl.Begin(context, control);
        ulong low = Float64.RoundToInteger(source.AsUInt64().ToScalar(), ref rounding);
        RoundingControl.End(rounding, control, ref context);
        return destination.AsUInt64().WithElement(0, low).AsByte();
    }

    /// <summary>All ones if the predicate holds: equal, less, less or equal, unordered, and their opposites.</summary>
    private static ulong Holds(ulong first, ulong second, byte predicate, ref FloatContext context)
    {
        int kind = predicate & 3;
        FloatOrder order = Float64.Compare(first, second, ref context, signalsQuiet: kind is 1 or 2);
        bool holds = kind switch
        {
            0 => order == FloatOrder.Equal,
            1 => order == FloatOrder.Less,
            2 => order is FloatOrder.Less or FloatOrder.Equal,
            _ => order == FloatOrder.Unordered,
        };
        bool isOpposite = (predicate & 4) != 0;
        return holds != isOpposite ? ulong.MaxValue : 0;
    }
}
