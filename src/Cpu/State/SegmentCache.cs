// SPDX-License-Identifier: Apache-2.0

using System.Runtime.InteropServices;

namespace KvmActors.Cpu.State;

/// <summary>A segment register with its hidden part, as the engine keeps it.</summary>
/// <remarks>Attributes as in <see cref="SegmentState"/>.</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct SegmentCache
{
    public const uint TypeMask = 0xF;
    public const uint Accessed = 1u << 0;

    /// <summary>Data: writable. Code: readable.</summary>
    public const uint WritableOrReadable = 1u << 1;

    /// <summary>Data: expand-down. Code: conforming.</summary>
    public const uint ExpandDownOrConforming = 1u << 2;

    public const uint Code = 1u << 3;
    public const uint NonSystem = 1u << 4;
    public const int DplShift = 5;
    public const uint Present = 1u << 7;
    public const uint Long = 1u << 13;
    public const uint Big = 1u << 14;
    public const uint Granular = 1u << 15;
    public const uint Unusable = 1u << 16;

    public ulong Base;
    public uint Limit;
    public uint Attributes;
    public ushort Selector;

    public readonly int Dpl => (int)(Attributes >> DplShift) & 3;

    public readonly bool IsUsable => (Attributes & Unusable) == 0;

    public readonly SegmentState ToState() => new(Selector, Base, Limit, Attributes);

    public static SegmentCache From(SegmentState state) => new()
    {
        Base = state.Base,
        Limit = state.Limit,
        Attributes = state.Attributes,
        Selector = state.Selector,
    };
}
