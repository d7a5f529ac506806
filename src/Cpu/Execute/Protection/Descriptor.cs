// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Protection;

/// <summary>A segment descriptor or gate as it lies in a descriptor table.</summary>
/// <param name="Low">The first 8 bytes.</param>
/// <param name="High">The next 8 bytes, of a system descriptor or gate of long mode; else 0.</param>
/// <remarks>Source: Intel SDM vol. 3A, section 3.4.5 "Segment Descriptors", section 7.11 "IDT Descriptors", section
/// 9.2.3 "TSS Descriptor in 64-bit Mode".</remarks>
internal readonly record struct Descriptor(ulong Low, ulong High)
{
    public const int Bytes = 8;
    public const int LongBytes = 16;

    private const uint AttributeMask = 0xF0FF;
    private const int GranuleShift = 12;
    private const uint GranuleMask = 0xFFF;

    /// <summary>As <see cref="SegmentState.Attributes"/>.</summary>
    public uint Attributes => (uint)(Low >> 40) & AttributeMask;

    public ulong Base => ((Low >> 16) & 0xFF_FFFF) | ((Low >> 32) & 0xFF00_0000) | (High << 32);

    public uint Limit
    {
        get
        {
            uint limit = (uint)(Low & 0xFFFF) | (uint)((Low >> 32) & 0xF_0000);
            return (Attributes & SegmentCache.Granular) != 0 ? (limit << GranuleShift) | GranuleMask : limit;
        }
    }

    public uint Type => Attributes & SegmentCache.TypeMask;

    public bool IsSystem => (Attributes & SegmentCache.NonSystem) == 0;

    public bool IsCode => !IsSystem && (Type & SegmentCache.Code) != 0;

    public bool IsWritableData => !IsSystem && (Type & (SegmentCache.Code | SegmentCache.WritableOrReadable))
        == SegmentCache.WritableOrReadable;

    public bool IsReadable => !IsSystem && ((Type & SegmentCache.Code) == 0
        || (Type & SegmentCache.WritableOrReadable) != 0);

    public bool IsConforming => IsCode && (Type & SegmentCache.ExpandDownOrConforming) != 0;

    public bool IsPresent => (Attributes & SegmentCache.Present) != 0;

    public bool IsLong => (Attributes & SegmentCache.Long) != 0;

    public bool IsBig => (Attributes & SegmentCache.Big) != 0;

    public int Dpl => (int)(Attributes >> SegmentCache.DplShift) & 3;

    /// <summary>A gate's target selector.</summary>
    public ushort GateSelector => (ushort)(Low >> 16);

    /// <summary>A gate's target offset; only its low half counts for 16-bit gates.</summary>
    public ulong GateOffset => (Low & 0xFFFF) | ((Low >> 32) & 0xFFFF_0000) | (High << 32);

    /// <summary>A 64-bit interrupt gate's stack table index, 0 for none.</summary>
    public int GateStackTable => (int)(Low >> 32) & 7;

    /// <summary>A call gate's number of parameters.</summary>
    public int GateParameters => (int)(Low >> 32) & 0x1F;

    public SegmentCache ToCache(ushort selector) => new()
    {
        Selector = selector,
        Base = Base,
        Limit = Limit,
        Attributes = Attributes,
    };
}
