// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Numerics;
using KvmActors.Cpu.Cpuid.Names;
using KvmActors.Cpu.Cpuid.Vetting;

namespace KvmActors.Cpu.Cpuid.Fleet;

/// <summary>Whether a host can go on running a VM: the check before any memory moves. Pure.</summary>
/// <remarks>Maker, family, model, name, caches and topology are data that the VM takes along, so they never differ.
/// What counts: feature bits, address widths, and the place and size of each XSAVE component. Source: Intel SDM vol.
/// 2A, "CPUID".</remarks>
public static class CpuidSuitability
{
    private const uint AddressSizeLeaf = 0x8000_0008;

    /// <summary>What the VM's table promises and the host lacks, in the table's order. Empty: the VM may move there.
    /// </summary>
    /// <param name="vm">The VM's table, as it runs.</param>
    /// <param name="host">What the host offers: its own table, cut by <see cref="CpuidVetting"/>.</param>
    /// <param name="observed">What the guest has read so far.</param>
    public static ImmutableArray<CpuidDifference> Missing(
        CpuidTable vm, CpuidTable host, IEnumerable<CpuidObservation> observed)
    {
        ArgumentNullException.ThrowIfNull(vm);
        ArgumentNullException.ThrowIfNull(host);
        HashSet<(uint, uint)> read = [.. observed.Select(seen => ReadAs(vm, seen))];
        ImmutableArray<CpuidDifference>.Builder missing = ImmutableArray.CreateBuilder<CpuidDifference>();
        HashSet<(uint, uint)> done = [];
        foreach (CpuidEntry entry in vm.Entries)
        {
            // A second entry of the same leaf and subleaf is never found by the guest.
            if (done.Add((entry.Leaf, entry.Subleaf)))
            {
                CpuidRegisters offered = host.Find(entry.Leaf, entry.Subleaf)?.Registers ?? default;
                missing.AddRange(OfEntry(entry, offered, host, read.Contains((entry.Leaf, entry.Subleaf))));
            }
        }

        return missing.ToImmutable();
    }

    private static IEnumerable<CpuidDifference> OfEntry(
        CpuidEntry entry, CpuidRegisters offered, CpuidTable host, bool isObserved)
    {
        CpuidRegisters lacking = entry.Registers.And(offered.Not())
            .And(CpuidFeatureMask.FeatureRegisters(entry.Leaf, entry.Subleaf));
        if (entry.Leaf == 7 && entry.Subleaf == 0)
        {
            // The inverted bits tell of something missing: a host that does not set them has more, not less.
            lacking = lacking with { Ebx = lacking.Ebx & ~CpuidVetting.InvertedFeatures };
        }

        foreach (CpuidRegister register in Enum.GetValues<CpuidRegister>())
        {
            for (uint bits = lacking.Of(register); bits != 0; bits &= bits - 1)
            {
                CpuidFeature feature = new(entry.Leaf, entry.Subleaf, register, BitOperations.TrailingZeroCount(bits));
                string name = CpuidFeatures.NameOf(feature) ?? feature.ToString();
                yield return new CpuidDifference(entry.Leaf, entry.Subleaf, register, name, 1, 0, isObserved);
            }
        }

        foreach (CpuidDifference wide in OfSizes(entry, offered, host, isObserved))
        {
            yield return wide;
        }
    }

    private static IEnumerable<CpuidDifference> OfSizes(
        CpuidEntry entry, CpuidRegisters offered, CpuidTable host, bool isObserved)
    {
        CpuidDifference Wider(CpuidRegister register, string name, uint expected, uint found) =>
            new(entry.Leaf, entry.Subleaf, register, name, expected, found, isObserved);

        if (entry.Leaf == AddressSizeLeaf)
        {
            (uint mine, uint theirs) = (entry.Eax & 0xFF, offered.Eax & 0xFF);
            if (mine > theirs)
            {
                yield return Wider(CpuidRegister.Eax, "physical address bits", mine, theirs);
            }

            (mine, theirs) = (entry.Eax >> 8 & 0xFF, offered.Eax >> 8 & 0xFF);
            if (mine > theirs)
            {
                yield return Wider(CpuidRegister.Eax, "linear address bits", mine, theirs);
            }
        }

        if (entry.Leaf == CpuidXsave.Leaf && entry.Subleaf == 0)
        {
            ulong lost = (((ulong)entry.Edx << 32) | entry.Eax) & ~CpuidXsave.Components(host);
            for (; lost != 0; lost &= lost - 1)
            {
                int component = BitOperations.TrailingZeroCount(lost);
                yield return Wider(
                    component < 32 ? CpuidRegister.Eax : CpuidRegister.Edx, $"XSAVE component {component}", 1, 0);
            }
        }

        bool isComponent = entry.Leaf == CpuidXsave.Leaf && entry.Subleaf >= 2 && offered != default;
        if (isComponent && (entry.Eax, entry.Ebx) != (offered.Eax, offered.Ebx))
        {
            yield return entry.Ebx != offered.Ebx
                ? Wider(CpuidRegister.Ebx, $"XSAVE offset of component {entry.Subleaf}", entry.Ebx, offered.Ebx)
                : Wider(CpuidRegister.Eax, $"XSAVE bytes of component {entry.Subleaf}", entry.Eax, offered.Eax);
        }
    }

    /// <summary>The subleaf of an observation as the table keys it: leaves that ignore ECX are read under
    /// any.</summary>
    private static (uint Leaf, uint Subleaf) ReadAs(CpuidTable vm, CpuidObservation seen) =>
        vm.Find(seen.Leaf, seen.Subleaf) is { } entry ? (entry.Leaf, entry.Subleaf) : (seen.Leaf, seen.Subleaf);
}
