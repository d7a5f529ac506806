// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Cpu.Cpuid;

/// <summary>The look-up of KVM's first CPUID management, as it was meant: leaves that answer differently each time, and
/// the highest leaf where nothing matches.</summary>
/// <remarks>
/// <para>An entry with <see cref="CpuidEntryFlags.StatefulFunction"/> answers only while it has
/// <see cref="CpuidEntryFlags.StateReadNext"/>; that then goes on to the next entry of the same leaf, round and round.
/// The mark is the hidden state: it stands in the table, so whoever has the table has it.</para>
/// <para>Two defects of the original are corrected. Its loop that was to pass the mark on ended before its first
/// round, so that every entry answered once and never again (repaired by 0fdf8e59faa, Linux 2.6.29). That repair looked
/// one entry behind the last one.</para>
/// <para>Kept, because it was meant: a leaf that is missing inside its class gets the highest leaf too, and the
/// hypervisor's leaves count as basic ones. Source: Linux commit 0771671749b5, kvm_emulate_cpuid. The bits that follow
/// the vCPU's state are today's.</para>
/// </remarks>
public static class CpuidKvm2007
{
    private const uint ExtendedClass = 0x8000_0000;

    /// <summary>What the guest's CPUID instruction leaves in its registers.</summary>
    /// <param name="table">Becomes the table for the next instruction; the same one unless a stateful leaf was read.
    /// </param>
    public static CpuidRegisters Read(ref CpuidTable table, uint leaf, uint subleaf, in CpuidRuntime runtime)
    {
        ArgumentNullException.ThrowIfNull(table);
        int answering = Answering(table.Entries, leaf, subleaf, out bool isMatch);
        if (answering < 0)
        {
            return default;
        }

        CpuidEntry entry = table.Entries[answering];
        CpuidRegisters registers = CpuidRuntimeBits.Apply(table, entry, runtime);
        if (isMatch && entry.Flags.HasFlag(CpuidEntryFlags.StatefulFunction))
        {
            table = PassOn(table, answering);
        }

        return registers;
    }

    /// <summary>For each stateful leaf, the position of the entry that answers next: what a journal says of the hidden
    /// state.</summary>
    public static ImmutableArray<int> Cursors(CpuidTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        return
        [
            .. table.Entries.Select((entry, position) => (entry, position))
                .Where(next => next.entry.Flags.HasFlag(
                    CpuidEntryFlags.StatefulFunction | CpuidEntryFlags.StateReadNext))
                .Select(next => next.position),
        ];
    }

    /// <summary>The table with the hidden state that <see cref="Cursors"/> gave: the entries at these positions are
    /// next, no others.</summary>
    /// <exception cref="ArgumentException">A position has no stateful entry.</exception>
    public static CpuidTable WithCursors(CpuidTable table, ImmutableArray<int> cursors)
    {
        ArgumentNullException.ThrowIfNull(table);
        foreach (int cursor in cursors)
        {
            if (cursor < 0 || cursor >= table.Entries.Length
                || !table.Entries[cursor].Flags.HasFlag(CpuidEntryFlags.StatefulFunction))
            {
                throw new ArgumentException(
                    $"Expected positions of stateful entries in a table of {table.Entries.Length}, found {cursor}.",
                    nameof(cursors));
            }
        }

        return CpuidTable.Of(table.Entries.Select((entry, position) => entry with
        {
            Flags = !entry.Flags.HasFlag(CpuidEntryFlags.StatefulFunction) ? entry.Flags
                : cursors.Contains(position) ? entry.Flags | CpuidEntryFlags.StateReadNext
                : entry.Flags & ~CpuidEntryFlags.StateReadNext,
        }));
    }

    private static int Answering(ImmutableArray<CpuidEntry> entries, uint leaf, uint subleaf, out bool isMatch)
    {
        int highest = -1;
        for (int position = 0; position < entries.Length; position++)
        {
            CpuidEntry entry = entries[position];
            if (Matches(entry, leaf, subleaf))
            {
                isMatch = true;
                return position;
            }

            bool isOfClass = ((entry.Leaf ^ leaf) & ExtendedClass) == 0;
            if (isOfClass && (highest < 0 || entry.Leaf > entries[highest].Leaf))
            {
                highest = position;
            }
        }

        isMatch = false;
        return highest;
    }

    private static bool Matches(in CpuidEntry entry, uint leaf, uint subleaf) =>
        entry.Leaf == leaf
        && (!entry.Flags.HasFlag(CpuidEntryFlags.SignificantIndex) || entry.Subleaf == subleaf)
        && (!entry.Flags.HasFlag(CpuidEntryFlags.StatefulFunction)
            || entry.Flags.HasFlag(CpuidEntryFlags.StateReadNext));

    private static CpuidTable PassOn(CpuidTable table, int from)
    {
        ImmutableArray<CpuidEntry> entries = table.Entries;
        int next = from;
        do
        {
            next = (next + 1) % entries.Length;
        }
        while (entries[next].Leaf != entries[from].Leaf);

        var moved = entries.ToBuilder();
        moved[from] = moved[from] with { Flags = moved[from].Flags & ~CpuidEntryFlags.StateReadNext };
        moved[next] = moved[next] with { Flags = moved[next].Flags | CpuidEntryFlags.StateReadNext };
        return next == from ? table : CpuidTable.Of(moved);
    }
}
