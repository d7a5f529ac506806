// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Numerics;

namespace KvmActors.Cpu.Cpuid.Names;

/// <summary>Says a table in words. Pure; safe from any thread.</summary>
/// <remarks>Leaves from 40000001H up are KVM's only where leaf 40000000H has KVM's signature: the bits of another
/// hypervisor stay unknown. Source: Intel SDM vol. 2A, "CPUID"; AMD APM vol. 3, appendix E.</remarks>
public static class CpuidDecoder
{
    private const uint HypervisorBase = 0x4000_0000;
    private const uint HypervisorLast = 0x4FFF_FFFF;

    public static CpuidDecoding Decode(CpuidTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        var summary = CpuidSummary.Of(table);
        HashSet<(uint, uint)> seen = [];
        ImmutableArray<CpuidDecodedLeaf>.Builder leaves =
            ImmutableArray.CreateBuilder<CpuidDecodedLeaf>(table.Entries.Length);
        foreach (CpuidEntry entry in table.Entries)
        {
            bool isFound = seen.Add((entry.Leaf, entry.Subleaf));
            leaves.Add(Decode(entry, isFound, summary.Hypervisor));
        }

        return new CpuidDecoding(summary, leaves.MoveToImmutable());
    }

    /// <param name="hypervisor">The hypervisor's signature, or empty.</param>
    public static CpuidDecodedLeaf Decode(CpuidEntry entry, bool isFound, string hypervisor)
    {
        bool isForeign = entry.Leaf is > HypervisorBase and <= HypervisorLast && hypervisor != CpuidSummary.Kvm;
        return new CpuidDecodedLeaf(
            entry.Leaf,
            entry.Subleaf,
            isForeign ? null : CpuidLeaves.Of(entry.Leaf)?.Title,
            isFound,
            [
                .. Enum.GetValues<CpuidRegister>().Select(register => isForeign
                    ? new CpuidDecodedRegister(
                        register, entry.Registers.Of(register), [], [], entry.Registers.Of(register))
                    : Decode(entry.Leaf, entry.Subleaf, register, entry.Registers.Of(register))),
            ]);
    }

    public static CpuidDecodedRegister Decode(uint leaf, uint subleaf, CpuidRegister register, uint value)
    {
        uint unknown = value;
        ImmutableArray<CpuidDecodedField>.Builder fields = ImmutableArray.CreateBuilder<CpuidDecodedField>();
        foreach (CpuidField field in CpuidFields.Of(leaf, subleaf, register))
        {
            fields.Add(new CpuidDecodedField(field, field.RawOf(value), field.TextOf(value)));
            unknown &= ~field.Mask;
        }

        ImmutableArray<CpuidFeatureName>.Builder features = ImmutableArray.CreateBuilder<CpuidFeatureName>();
        for (uint bits = unknown; bits != 0; bits &= bits - 1)
        {
            int bit = BitOperations.TrailingZeroCount(bits);
            if (CpuidFeatures.Describe(new CpuidFeature(leaf, subleaf, register, bit)) is { } name)
            {
                features.Add(name);
                unknown &= ~(1u << bit);
            }
        }

        return new CpuidDecodedRegister(register, value, fields.ToImmutable(), features.ToImmutable(), unknown);
    }
}
