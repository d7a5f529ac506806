// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Tests.Silicon;

/// <summary>Numbers where carries, signs and widths change.</summary>
internal static class EdgyNumber
{
    /// <summary>Half the time next to a power of two, else evenly spread; sometimes 0 or all ones.</summary>
    public static ulong Next(Random random) => random.Next(8) switch
    {
        0 => 0,
        1 => ulong.MaxValue,
        2 or 3 or 4 => (1ul << random.Next(64)) + (ulong)random.Next(-2, 3),
        5 => (ulong)random.Next(-130, 131),
        _ => (ulong)random.NextInt64(long.MinValue, long.MaxValue),
    };

    public static void Fill(Random random, Span<byte> bytes)
    {
        for (int at = 0; at < bytes.Length; at += 8)
        {
            BitConverter.TryWriteBytes(bytes[at..], Next(random));
        }
    }
}
