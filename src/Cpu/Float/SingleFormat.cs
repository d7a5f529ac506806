// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Float;

/// <summary>binary32.</summary>
internal readonly struct SingleFormat : IFloatFormat
{
    public static int FractionBits => 23;

    public static int ExponentBits => 8;
}
