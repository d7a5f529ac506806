// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid;

/// <summary>What a vCPU's guest has read with CPUID. Part of the vCPU's state: it is saved, moved and replayed.
/// </summary>
/// <remarks>
/// <para>A place is a leaf and subleaf; the subleaf is 0 where the entry that answered does not look at ECX, which then
/// holds whatever the guest had in it.</para>
/// <para>A guest can ask for 2^64 places: behind the first <see cref="PlacesMax"/> of them all others are counted
/// together, as <see cref="CpuidObservation.IsOfOthers"/>.</para>
/// <para>Not for several threads at once.</para>
/// </remarks>
public sealed class CpuidRecord
{
    public const int PlacesMax = 4096;

    private readonly SortedDictionary<(uint Leaf, uint Subleaf), CpuidObservation> _observed = [];

    /// <summary>By ascending leaf, then subleaf; what is of others is last.</summary>
    public IEnumerable<CpuidObservation> Observations => _observed.Values;

    /// <param name="table">The table that answered.</param>
    /// <param name="leaf">EAX.</param>
    /// <param name="subleaf">ECX.</param>
    /// <param name="vmTime">VM time of the instruction, ticks.</param>
    public void Add(CpuidTable table, uint leaf, uint subleaf, ulong vmTime)
    {
        ArgumentNullException.ThrowIfNull(table);
        bool isPlain = table.Find(leaf, subleaf) is { } entry
            && !entry.Flags.HasFlag(CpuidEntryFlags.SignificantIndex);
        (uint Leaf, uint Subleaf) place = (leaf, isPlain ? 0 : subleaf);
        if (_observed.Count >= PlacesMax && !_observed.ContainsKey(place))
        {
            place = CpuidObservation.Others;
        }

        _observed[place] = _observed.TryGetValue(place, out CpuidObservation known)
            ? known with { Reads = known.Reads + 1 }
            : new CpuidObservation(place.Leaf, place.Subleaf, vmTime, Reads: 1);
    }

    public void Replace(IEnumerable<CpuidObservation> observations)
    {
        ArgumentNullException.ThrowIfNull(observations);
        _observed.Clear();
        foreach (CpuidObservation observation in observations)
        {
            _observed[(observation.Leaf, observation.Subleaf)] = observation;
        }
    }
}
