// SPDX-License-Identifier: Apache-2.0

using System.Numerics;

namespace KvmActors.Cpu.Execute.Simd.Kernels;

/// <summary>CRC32: the remainder by the polynomial 11EDC6F41H, bits reflected.</summary>
/// <remarks>Source: Intel SDM vol. 2A, "CRC32".</remarks>
internal static class Crc32C
{
    /// <summary>Goes on with the low bytes of a value.</summary>
    public static uint Add(uint sum, ulong value, int sizeBytes) => sizeBytes switch
    {
        1 => BitOperations.Crc32C(sum, (byte)value),
        2 => BitOperations.Crc32C(sum, (ushort)value),
        4 => BitOperations.Crc32C(sum, (uint)value),
        _ => BitOperations.Crc32C(sum, value),
    };
}
