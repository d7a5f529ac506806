// SPDX-License-Identifier: Apache-2.0

using System.Runtime.Intrinsics;
using KvmActors.Cpu.Float;
using Bytes = System.Runtime.Intrinsics.Vector128<byte>;

namespace KvmActors.Cpu.Execute.Simd.Kernels;

/// <summary>The CVT instructions: numbers to other formats and integers.</summary>
/// <remarks>Source: Intel SDM vol. 2A, "CVTDQ2PD" to "CVTTSS2SI".</remarks>
internal static class FloatConversion
{
    /// <summary>CVTDQ2PS.</summary>
    public static Bytes Int32ToSingles(Bytes unused, Bytes source, byte none, ref FloatContext context)
    {
        Vector128<uint> result = default;
        for (int element = 0; element < Vector128<uint>.Count; element++)
        {
            result = result.WithElement(element, Float32.FromInt32(source.AsInt32()[element], ref context));
        }

        return result.AsByte();
    }

    /// <summary>CVTPI2PS: the upper half stays.</summary>
    public static Bytes PairToSingles(Bytes destination, Bytes source, byte none, ref FloatContext context) =>
        destination.AsUInt32()
            .WithElement(0, Float32.FromInt32(source.AsInt32()[0], ref context))
            .WithElement(1, Float32.FromInt32(source.AsInt32()[1], ref context))
            .AsByte();

    /// <summary>CVTDQ2PD, CVTPI2PD.</summary>
    public static Bytes PairToDoubles(Bytes unused, Bytes source, byte none, ref FloatContext context) =>
        Vector128.Create(
            Float64.FromInt32(source.AsInt32()[0], ref context),
            Float64.FromInt32(source.AsInt32()[1], ref context)).AsByte();

    /// <summary>CVTPS2PD.</summary>
    public static Bytes SinglesToDoubles(Bytes unused, Bytes source, byte none, ref FloatContext context) =>
        Vector128.Create(
            Float32.ToFloat64(source.AsUInt32()[0], ref context),
            Float32.ToFloat64(source.AsUInt32()[1], ref context)).AsByte();

    /// <summary>CVTPD2PS.</summary>
    public static Bytes DoublesToSingles(Bytes unused, Bytes source, byte none, ref FloatContext context) =>
        Vector128.Create(
            Float64.ToFloat32(source.AsUInt64()[0], ref context),
            Float64.ToFloat32(source.AsUInt64()[1], ref context),
            0,
            0).AsByte();

    /// <summary>CVTSS2SD.</summary>
    public static Bytes SingleToDouble(Bytes destination, Bytes source, byte none, ref FloatContext context) =>
        destination.AsUInt64()
            .WithElement(0, Float32.ToFloat64(source.AsUInt32().ToScalar(), ref context))
            .AsByte();

    /// <summary>CVTSD2SS.</summary>
    public static Bytes DoubleToSingle(Bytes destination, Bytes source, byte none, ref FloatContext context) =>
        destination.AsUInt32()
            .WithElement(0, Float64.ToFloat32(source.AsUInt64().ToScalar(), ref context))
            .AsByte();

    /// <summary>CVTPS2DQ.</summary>
    public static Bytes SinglesToInt32(Bytes unused, Bytes source, byte none, ref FloatContext context)
    {
        Vector128<int> result = default;
        for (int element = 0; element < Vector128<int>.Count; element++)
        {
            result = result.WithElement(element, Float32.ToInt32(source.AsUInt32()[element], ref context));
        }

        return result.AsByte();
    }

    /// <summary>CVTTPS2DQ.</summary>
    public static Bytes SinglesToInt32Truncated(Bytes unused, Bytes source, byte none, ref FloatContext context)
    {
        context.Rounding = FloatRounding.Zero;
        return SinglesToInt32(unused, source, none, ref context);
    }

    /// <summary>CVTPD2DQ.</summary>
    public static Bytes DoublesToInt32(Bytes unused, Bytes source, byte none, ref FloatContext context) =>
        DoublesToPair(source, ref context);

    /// <summary>CVTTPD2DQ.</summary>
    public static Bytes DoublesToInt32Truncated(Bytes unused, Bytes source, byte none, ref FloatContext context) =>
        DoublesToPairTruncated(source, ref context);

    /// <summary>CVTPS2PI.</summary>
    public static Bytes SinglesToPair(Bytes source, ref FloatContext context) => Vector128.Create(
        Float32.ToInt32(source.AsUInt32()[0], ref context),
        Float32.ToInt32(source.AsUInt32()[1], ref context),
        0,
        0).AsByte();

    /// <summary>CVTTPS2PI.</summary>
    public static Bytes SinglesToPairTruncated(Bytes source, ref FloatContext context)
    {
        context.Rounding = FloatRounding.Zero;
        return SinglesToPair(source, ref context);
    }

    /// <summary>CVTPD2PI.</summary>
    public static Bytes DoublesToPair(Bytes source, ref FloatContext context) => Vector128.Create(
        Float64.ToInt32(source.AsUInt64()[0], ref context),
        Float64.ToInt32(source.AsUInt64()[1], ref context),
        0,
        0).AsByte();

    /// <summary>CVTTPD2PI.</summary>
    public static Bytes DoublesToPairTruncated(Bytes source, ref FloatContext context)
    {
        context.Rounding = FloatRounding.Zero;
        return DoublesToPair(source, ref context);
    }

    public static Bytes Int32ToSingle(Bytes destination, ulong source, ref FloatContext context) =>
        destination.AsUInt32().WithElement(0, Float32.FromInt32((int)source, ref context)).AsByte();

    public static Bytes Int64ToSingle(Bytes destination, ulong source, ref FloatContext context) =>
        destination.AsUInt32().WithElement(0, Float32.FromInt64((long)source, ref context)).AsByte();

    public static Bytes Int32ToDouble(Bytes destination, ulong source, ref FloatContext context) =>
        destination.AsUInt64().WithElement(0, Float64.FromInt32((int)source, ref context)).AsByte();

    public static Bytes Int64ToDouble(Bytes destination, ulong source, ref FloatContext context) =>
        destination.AsUInt64().WithElement(0, Float64.FromInt64((long)source, ref context)).AsByte();

    public static ulong SingleToInt32(Bytes source, ref FloatContext context) =>
        (uint)Float32.ToInt32(source.AsUInt32().ToScalar(), ref context);

    public static ulong SingleToInt64(Bytes source, ref FloatContext context) =>
        (ulong)Float32.ToInt64(source.AsUInt32().ToScalar(), ref context);

    public static ulong DoubleToInt32(Bytes source, ref FloatContext context) =>
        (uint)Float64.ToInt32(source.AsUInt64().ToScalar(), ref context);

    public static ulong DoubleToInt64(Bytes source, ref FloatContext context) =>
        (ulong)Float64.ToInt64(source.AsUInt64().ToScalar(), ref context);

    public static ulong SingleToInt32Truncated(Bytes source, ref FloatContext context)
    {
        context.Rounding = FloatRounding.Zero;
        return SingleToInt32(source, ref context);
    }

    public static ulong SingleToInt64Truncated(Bytes source, ref FloatContext context)
    {
        context.Rounding = FloatRounding.Zero;
        return SingleToInt64(source, ref context);
    }

    public static ulong DoubleToInt32Truncated(Bytes source, ref FloatContext context)
    {
        context.Rounding = FloatRounding.Zero;
        return DoubleToInt32(source, ref context);
    }

    public static ulong DoubleToInt64Truncated(Bytes source, ref FloatContext context)
    {
        context.Rounding = FloatRounding.Zero;
        return DoubleToInt64(source, ref context);
    }
}
