// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Float;

/// <summary>binary64 as SSE computes it, on encodings: see <see cref="BinaryFloat{TFormat}"/>.</summary>
internal static class Float64
{
    public static ulong Add(ulong a, ulong b, ref FloatContext context) =>
        BinaryFloat<DoubleFormat>.Add(a, b, ref context);

    public static ulong Subtract(ulong a, ulong b, ref FloatContext context) =>
        BinaryFloat<DoubleFormat>.Subtract(a, b, ref context);

    public static ulong Multiply(ulong a, ulong b, ref FloatContext context) =>
        BinaryFloat<DoubleFormat>.Multiply(a, b, ref context);

    public static ulong Divide(ulong a, ulong b, ref FloatContext context) =>
        BinaryFloat<DoubleFormat>.Divide(a, b, ref context);

    public static ulong SquareRoot(ulong a, ref FloatContext context) =>
        BinaryFloat<DoubleFormat>.SquareRoot(a, ref context);

    public static ulong RoundToInteger(ulong a, ref FloatContext context) =>
        BinaryFloat<DoubleFormat>.RoundToInteger(a, ref context);

    /// <summary>Quiet NaNs are invalid too if <paramref name="signalsQuiet"/>.</summary>
    public static FloatOrder Compare(ulong a, ulong b, ref FloatContext context, bool signalsQuiet) =>
        BinaryFloat<DoubleFormat>.Compare(a, b, ref context, signalsQuiet);

    /// <summary>The smallest integer, with invalid, if there is none.</summary>
    public static int ToInt32(ulong a, ref FloatContext context) =>
        (int)BinaryFloat<DoubleFormat>.ToInteger(a, bits: 32, ref context);

    /// <summary>The smallest integer, with invalid, if there is none.</summary>
    public static long ToInt64(ulong a, ref FloatContext context) =>
        BinaryFloat<DoubleFormat>.ToInteger(a, bits: 64, ref context);

    public static ulong FromInt32(int value, ref FloatContext context) =>
        BinaryFloat<DoubleFormat>.FromInteger(value, ref context);

    public static ulong FromInt64(long value, ref FloatContext context) =>
        BinaryFloat<DoubleFormat>.FromInteger(value, ref context);

    public static uint ToFloat32(ulong a, ref FloatContext context) =>
        (uint)BinaryFloat<DoubleFormat>.Convert<SingleFormat>(a, ref context);

    public static bool IsNaN(ulong a) => FloatLayout<DoubleFormat>.IsNaN(a);

    public static bool IsSignalingNaN(ulong a) => FloatLayout<DoubleFormat>.IsSignalingNaN(a);
}
