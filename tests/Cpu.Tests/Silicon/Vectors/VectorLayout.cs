// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Tests.Silicon.Vectors;

/// <summary>Where the block of <see cref="SiliconLayout"/> is for vectors, and which of its pages fault.</summary>
internal static class VectorLayout
{
    /// <summary>Addresses are in results, so the block is at the same place on every host.</summary>
    public const ulong BlockBase = 0x2000_0000;

    /// <summary>A page that is not present.</summary>
    public const int Absent = 0x8000;

    /// <summary>A page that cannot be written.</summary>
    public const int ReadOnly = 0xA000;

    /// <summary>The bytes before <see cref="Absent"/> that are looked at.</summary>
    public const int EdgeBytes = 64;

    public const int Edge = Absent - EdgeBytes;
}
