// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Float;

/// <summary>binary32 as SSE computes it, on encodings: see <see cref="BinaryFloat{TFormat}"/>.</summary>
internal static class Float32
{
    public static uint Add(uint a, uint b, ref FloatContext context) =>
        (uint)BinaryFloat<SingleFormat>.Add(a, b, ref context);

    public static uint Subtract(uint a, uint b, ref FloatContext context) =>
        (uint)BinaryFloat<SingleFormat>.Subtract(a, b, ref context);

    public static uint Multiply(uint a, uint b, ref FloatContext context) =>
        (uint)BinaryFloat<SingleFormat>.Multiply(a, b, ref context);

    public static uint Divide(uint a, uint b, ref FloatContext context) =>
        (uint)BinaryFloat<SingleFormat>.Divide(a, b, ref context);

    public static uint SquareRoot(uint a, ref FloatContext context) =>
        (uint)BinaryFloat<SingleFormat>.SquareRoot(a, ref context);

    public static uint RoundToInteger(uint a, ref FloatContext context) =>
        (uint)BinaryFloat<SingleFormat>.RoundToInteger(a, ref context);

    /// <summary>Quiet NaNs are invalid too if <paramref name="signalsQuiet"/>.</summary>
    public static FloatOrder Compare(uint a, uint b, ref FloatContext context, bool signalsQuiet) =>
        BinaryFloat<SingleFormat>.Compare(a, b, ref context, signalsQuiet);

    /// <summary>The smallest integer, with invalid, if there is none.</summary>
    public static int ToInt32(uint a, ref FloatContext context) =>
        (int)BinaryFloat<SingleFormat>.ToInteger(a, bits: 32, ref context);

    /// <summary>The smallest integer, with invalid, if there is none.</summary>
    public static long ToInt64(uint a, ref FloatContext context) =>
        BinaryFloat<SingleFormat>.ToInteger(a, bits: 64, ref context);

    public static uint FromInt32(int value, ref FloatContext context) =>
        (uint)BinaryFloat<SingleFormat>.FromInteger(value, ref context);

    public static uint FromInt64(long value, ref FloatContext context) =>
        (uint)BinaryFloat<SingleFormat>.FromInteger(value, ref context);

    public static ulong ToFloat64(uint a, ref FloatContext context) =>
        BinaryFloat<SingleFormat>.Convert<DoubleFormat>(a, ref context);

    public static bool IsNaN(uint a) => FloatLayout<SingleFormat>.IsNaN(a);

    public static bool IsSignalingNaN(uint a) => FloatLayout<SingleFormat>.IsSignalingNaN(a);
}
