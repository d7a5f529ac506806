// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Float;

/// <summary>What operands decide before anything is computed: NaNs, encodings that are no number, denormals.</summary>
/// <remarks>Source: Intel SDM vol. 1, table 4-7 and sections 8.5.1 and 8.5.2.</remarks>
internal static class Float80Operands
{
    /// <summary>The masked response to an invalid operation.</summary>
    public static Float80 Invalid(ref FloatContext context)
    {
        context.Raise(FloatFlags.Invalid);
        return Float80.Indefinite;
    }

    /// <summary>True if an operand is a NaN or no number: then it decides the result.</summary>
    public static bool AreSettled(Float80 a, ref FloatContext context, out Float80 result)
    {
        if (a.IsUnsupported)
        {
            result = Invalid(ref context);
            return true;
        }

        result = a.Quieted();
        context.Raise(a.IsSignalingNaN ? FloatFlags.Invalid : 0);
        return a.IsNaN;
    }

    /// <summary>True if one of the operands is a NaN or no number: then they decide the result.</summary>
    public static bool AreSettled(Float80 a, Float80 b, ref FloatContext context, out Float80 result)
    {
        if (a.IsUnsupported || b.IsUnsupported)
        {
            result = Invalid(ref context);
            return true;
        }

        result = default;
        if (!a.IsNaN && !b.IsNaN)
        {
            return false;
        }

        bool signals = a.IsSignalingNaN || b.IsSignalingNaN;
        context.Raise(signals ? FloatFlags.Invalid : 0);
        result = Chosen(a, b).Quieted();
        return true;
    }

    /// <summary>Raises the denormal exception; true if the operation ends there.</summary>
    public static bool Stops(Float80 a, Float80 b, bool wasDenormal, ref FloatContext context)
    {
        context.Raise(wasDenormal || a.IsDenormal || b.IsDenormal ? FloatFlags.Denormal : 0);
        return context.Stops;
    }

    /// <summary>A quiet NaN before a signalling one; of two alike the larger significand; of two of the same the
    /// positive one.</summary>
    private static Float80 Chosen(Float80 a, Float80 b)
    {
        if (!a.IsNaN || !b.IsNaN)
        {
            return a.IsNaN ? a : b;
        }

        if (a.IsSignalingNaN != b.IsSignalingNaN)
        {
            return a.IsSignalingNaN ? b : a;
        }

        return a.Significand != b.Significand
            ? a.Significand > b.Significand ? a : b
            : a.IsNegative ? b : a;
    }
}
