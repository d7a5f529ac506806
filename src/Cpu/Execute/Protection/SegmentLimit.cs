// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Protection;

/// <summary>Whether an offset is inside a segment.</summary>
/// <remarks>Source: Intel SDM vol. 3A, section 6.3 "Limit Checking".</remarks>
internal static class SegmentLimit
{
    public static bool Holds(in SegmentCache segment, ulong offset, int sizeBytes)
    {
        ulong last = offset + (ulong)sizeBytes - 1;
        bool isExpandDown = (segment.Attributes & (SegmentCache.Code | SegmentCache.ExpandDownOrConforming))
            == SegmentCache.ExpandDownOrConforming;
        if (!isExpandDown)
        {
            return last <= segment.Limit;
        }

        ulong top = (segment.Attributes & SegmentCache.Big) != 0 ? uint.MaxValue : ushort.MaxValue;
        return offset > segment.Limit && last <= top;
    }
}
