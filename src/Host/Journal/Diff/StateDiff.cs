// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Memory;
using KvmActors.Machine;

namespace KvmActors.Host.Journal.Diff;

/// <summary>What differs between two VMs where they stand.</summary>
internal static class StateDiff
{
    private const int BytesShown = 16;

    // Ranges with less that is equal between them are one.
    private const int GapMax = 16;

    /// <summary>Registers, devices and all else but memory.</summary>
    public static ImmutableArray<FieldDifference> Fields(MachineState first, MachineState second)
    {
        Dictionary<string, string> one = StateFields.Of(first);
        Dictionary<string, string> other = StateFields.Of(second);
        return
        [
            .. one.Keys.Concat(other.Keys.Where(name => !one.ContainsKey(name)))
                .Select(name => new FieldDifference(
                    name, one.GetValueOrDefault(name, "-"), other.GetValueOrDefault(name, "-")))
                .Where(each => each.First != each.Second),
        ];
    }

    /// <summary>Ranges of physical memory. What one VM has and the other has not counts as zeros.</summary>
    public static ImmutableArray<MemoryDifference> Memory(GuestMemory first, GuestMemory second)
    {
        List<(ulong Start, ulong End)> ranges = [];
        byte[] zeros = new byte[GuestMemory.PageBytes];
        for (int page = 0; page < Math.Max(first.PageCount, second.PageCount); page++)
        {
            ReadOnlySpan<byte> one = page < first.PageCount ? first.Page(page) : zeros;
            ReadOnlySpan<byte> other = page < second.PageCount ? second.Page(page) : zeros;
            int at = one.CommonPrefixLength(other);
            while (at < one.Length)
            {
                int end = at + 1;
                while (end < one.Length && one[end] != other[end])
                {
                    end++;
                }

                ulong offset = (ulong)page * GuestMemory.PageBytes;
                Add(ranges, offset + (ulong)at, offset + (ulong)end);
                at = end + one[end..].CommonPrefixLength(other[end..]);
            }
        }

        return
        [
            .. ranges.Select(range => new MemoryDifference(
                $"0x{range.Start:x}",
                range.End - range.Start,
                Bytes(first, range.Start, range.End),
                Bytes(second, range.Start, range.End))),
        ];
    }

    private static void Add(List<(ulong Start, ulong End)> ranges, ulong start, ulong end)
    {
        if (ranges.Count > 0 && start - ranges[^1].End < GapMax)
        {
            ranges[^1] = (ranges[^1].Start, end);
        }
        else
        {
            ranges.Add((start, end));
        }
    }

    private static string Bytes(GuestMemory memory, ulong start, ulong end)
    {
        byte[] bytes = new byte[Math.Min(BytesShown, end - start)];
        if (memory.IsRam(new Cpu.Gpa(start), (ulong)bytes.Length))
        {
            memory.Read(new Cpu.Gpa(start), bytes);
        }

        return Convert.ToHexStringLower(bytes);
    }
}

/// <summary>A register, or another part of the state.</summary>
/// <param name="First"><c>-</c> where it does not exist.</param>
/// <param name="Second"><c>-</c> where it does not exist.</param>
internal sealed record FieldDifference(string Name, string First, string Second);

/// <summary>A range of physical memory in which bytes differ.</summary>
/// <param name="First">Its first bytes.</param>
/// <param name="Second">Its first bytes.</param>
internal sealed record MemoryDifference(string Physical, ulong Bytes, string First, string Second);
