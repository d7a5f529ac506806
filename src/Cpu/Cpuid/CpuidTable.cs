// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Cpu.Cpuid;

/// <summary>A vCPU's CPUID table: an ordered, immutable list of at most <see cref="EntriesMax"/> entries.</summary>
public sealed class CpuidTable : IEquatable<CpuidTable>
{
    /// <summary>KVM_MAX_CPUID_ENTRIES. Source: Linux v6.19 arch/x86/include/asm/kvm_host.h.</summary>
    public const int EntriesMax = 256;

    private CpuidTable(ImmutableArray<CpuidEntry> entries) => Entries = entries;

    public static CpuidTable Empty { get; } = new([]);

    public ImmutableArray<CpuidEntry> Entries { get; }

    /// <exception cref="ArgumentException">More than <see cref="EntriesMax"/> entries.</exception>
    public static CpuidTable Of(IEnumerable<CpuidEntry> entries)
    {
        ImmutableArray<CpuidEntry> all = [.. entries];
        return all.Length <= EntriesMax
            ? new CpuidTable(all)
            : throw new ArgumentException(
                $"Expected at most {EntriesMax} CPUID entries, found {all.Length}.", nameof(entries));
    }

    public bool Equals(CpuidTable? other) => other is not null && Entries.AsSpan().SequenceEqual(other.Entries.AsSpan());

    public override bool Equals(object? obj) => Equals(obj as CpuidTable);

    public override int GetHashCode() => Entries.Length;
}
