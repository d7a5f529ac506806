// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Float;

/// <summary>binary64.</summary>
internal readonly struct DoubleFormat : IFloatFormat
{
    public static int FractionBits => 52;

    public static int ExponentBits => 11;
}
