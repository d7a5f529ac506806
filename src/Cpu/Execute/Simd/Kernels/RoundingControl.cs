// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Float;

namespace KvmActors.Cpu.Execute.Simd.Kernels;

/// <summary>The immediate of the ROUND instructions.</summary>
/// <remarks>Source: Intel SDM vol. 2B, "ROUNDPD", figure 4-24.</remarks>
internal static class RoundingControl
{
    private const byte ModeMask = 3;
    private const byte ByMxcsr = 1 << 2;
    private const byte PrecisionSuppressed = 1 << 3;

    public static FloatContext Begin(in FloatContext context, byte control)
    {
        FloatContext rounding = context;
        rounding.Rounding = (control & ByMxcsr) != 0 ? context.Rounding : (FloatRounding)(control & ModeMask);
        return rounding;
    }

    public static void End(in FloatContext rounding, byte control, ref FloatContext context) => context.Raise(
        (control & PrecisionSuppressed) != 0 ? rounding.Flags & ~FloatFlags.Inexact : rounding.Flags);
}
