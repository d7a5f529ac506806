// SPDX-License-Identifier: Apache-2.0

using System.Runtime.InteropServices;

namespace KvmActors.Cpu.Memory;

/// <summary>One translation of a 4-KiB page for one kind of access.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TlbEntry
{
    /// <summary>Linear address of the page, divided by its size, or <see cref="Invalid"/>, which no page has.</summary>
    public ulong Tag;

    /// <summary>Host address minus linear address.</summary>
    public long Addend;

    public const ulong Invalid = ulong.MaxValue;
}
