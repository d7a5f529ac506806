// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine.Loaders;

/// <summary>A run of guest memory that an image fills.</summary>
/// <param name="Start">Where it begins.</param>
/// <param name="Bytes">What the file holds for it.</param>
/// <param name="MemoryBytes">How much it takes in memory, at least the length of <paramref name="Bytes"/>; the rest is
/// zero.</param>
public sealed record BootSegment(Cpu.Gpa Start, ReadOnlyMemory<byte> Bytes, ulong MemoryBytes)
{
    /// <summary>The first byte behind it.</summary>
    public ulong End => Start.Value + MemoryBytes;
}
