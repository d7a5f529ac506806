// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Tests.Silicon.Vectors;

/// <summary>What keeps chance in bounds: a register or eight bytes of memory become (value &amp; mask) | ones.
/// </summary>
/// <param name="Place">0 to 15: a register; else <see cref="Data"/> or <see cref="Stack"/>.</param>
/// <param name="Offset">Bytes from the start of the window.</param>
internal readonly record struct VectorOverride(byte Place, ushort Offset, ulong Mask, ulong Ones)
{
    public const byte Data = 16;
    public const byte Stack = 17;
}
