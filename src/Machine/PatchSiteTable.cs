// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Hypercalls;

namespace KvmActors.Machine;

/// <summary>The latest patch of each hypercall site, by the GPA of its opcode: what a person asks for to explain why
/// text pages differ from the image.</summary>
internal sealed class PatchSiteTable
{
    /// <summary>Sites a VM remembers. A guest could make a new one at every byte of its memory, and each is journaled
    /// and part of the state, so from here on calls are answered in place and nothing is patched any more.</summary>
    public const int SitesMax = 4096;

    private readonly SortedDictionary<ulong, HypercallPatch> _byGpa = [];

    public bool IsFull => _byGpa.Count >= SitesMax;

    public void Record(HypercallPatch patch) => _byGpa[patch.Gpa.Value] = patch;

    public ImmutableArray<HypercallPatch> ToImmutable() => [.. _byGpa.Values];

    public void Restore(ImmutableArray<HypercallPatch> patches)
    {
        _byGpa.Clear();
        foreach (HypercallPatch patch in patches)
        {
            Record(patch);
        }
    }
}
