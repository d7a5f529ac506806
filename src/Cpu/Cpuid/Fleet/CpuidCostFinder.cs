// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Cpuid.Names;
using KvmActors.Cpu.Cpuid.Vetting;

namespace KvmActors.Cpu.Cpuid.Fleet;

/// <summary>Finds who costs a pool what: those who lack it; of a number, those with the smallest; of what all have but
/// not alike, those who have it otherwise than most.</summary>
/// <remarks>Source: Intel SDM vol. 1, sections 13.1 to 13.3: a feature needs its components of XSAVE.</remarks>
internal sealed class CpuidCostFinder(IReadOnlyList<CpuidHost> hosts, CpuidTable baseline)
{
    private const int ComponentsMax = 63;

    public CpuidCost Find(CpuidDifference lost) => lost.Rule switch
    {
        CpuidRule.Numbers => Smallest(lost),
        CpuidRule.Xsave when lost.Bit is { } bit => OfComponents(lost, Companions(ComponentOf(lost, bit))),
        _ when lost.Bit is { } bit => OfFeature(lost, new CpuidFeature(lost.Leaf, lost.Subleaf, lost.Register, bit)),
        _ => Otherwise(lost, lost.Leaf, lost.Subleaf),
    };

    private static int ComponentOf(CpuidDifference lost, int bit) =>
        lost.Register == CpuidRegister.Edx ? bit + 32 : bit;

    /// <summary>A component and those without which XSETBV refuses it.</summary>
    private static ImmutableArray<int> Companions(int component) =>
    [
        component,
        .. Enumerable.Range(2, ComponentsMax - 2).Where(other => other != component
            && (CpuidXsaveFeatures.Close(~(1ul << other)) >> component & 1) == 0),
    ];

    /// <summary>The components without which a feature may not be used.</summary>
    private static ImmutableArray<int> NeededBy(CpuidFeature feature) =>
    [
        .. Enumerable.Range(2, ComponentsMax - 2).Where(component => feature.IsSetIn(
            CpuidXsaveFeatures.Without(~(1ul << component), feature.Leaf, feature.Subleaf))),
    ];

    private static uint LastLeaf(CpuidTable table, uint leaf) => (leaf >> 28) switch
    {
        0 or 8 => table.FirstOfLeaf(leaf & 0x8000_0000)?.Eax ?? 0,
        _ => uint.MaxValue,
    };

    private CpuidCost OfFeature(CpuidDifference lost, CpuidFeature feature)
    {
        bool isInverted =
            (CpuidFieldRules.InvertedBits(feature.Leaf, feature.Subleaf, feature.Register) >> feature.Bit & 1) != 0;
        string[] lacking =
        [
            .. hosts.Where(host => host.Table.Has(feature) == isInverted
                || LastLeaf(host.Table, feature.Leaf) < feature.Leaf).Select(host => host.Name),
        ];
        return lacking.Length > 0 ? new CpuidCost(lost, CpuidCostReason.Lacks, [.. lacking])
            : OfComponents(lost, NeededBy(feature));
    }

    private CpuidCost Smallest(CpuidDifference lost)
    {
        ImmutableArray<CpuidQuantity> numbers = [.. CpuidQuantity.In(lost.Leaf, lost.Subleaf, lost.Register)];
        CpuidQuantity number = numbers.Single(number => number.LowBit == lost.Bit);
        uint Of(CpuidTable table)
        {
            uint register = table.Find(lost.Leaf, lost.Subleaf)?.Registers.Of(lost.Register) ?? 0;

            // A guest's own physical width (80000008H:EAX[23:16]) is never more than the physical one beside it.
            bool isGuestWidth = lost is { Leaf: 0x8000_0008, Register: CpuidRegister.Eax, Bit: 16 };
            return isGuestWidth ? Math.Min(number.Of(register), register & 0xFF) : number.Of(register);
        }

        uint smallest = Of(baseline);
        return new CpuidCost(
            lost,
            CpuidCostReason.Smallest,
            [
                .. hosts.Where(host => Of(host.Table) <= smallest || LastLeaf(host.Table, lost.Leaf) < lost.Leaf)
                    .Select(host => host.Name),
            ]);
    }

    /// <summary>Components that fell out: somebody lacks one, or keeps one elsewhere.</summary>
    private CpuidCost OfComponents(CpuidDifference lost, ImmutableArray<int> components)
    {
        ulong needed = components.Aggregate(0ul, (all, component) => all | (1ul << component));
        string[] lacking =
        [
            .. hosts.Where(host => (CpuidXsaveLayout.Listed(host.Table) & needed) != needed).Select(host => host.Name),
        ];
        if (lacking.Length > 0)
        {
            return new CpuidCost(lost, CpuidCostReason.Lacks, [.. lacking]);
        }

        ImmutableArray<string>[] elsewhere =
        [
            .. components.Select(component => Minority(CpuidXsave.Leaf, (uint)component)),
        ];
        HashSet<string> names = [.. elsewhere.SelectMany(some => some)];
        return names.Count == 0
            ? WithoutXsave(lost)
            : new CpuidCost(
                lost, CpuidCostReason.Differs, [.. hosts.Select(host => host.Name).Where(names.Contains)]);
    }

    /// <summary>What goes with leaf 0DH itself: some host has no component at all, or they have none in common.
    /// </summary>
    private CpuidCost WithoutXsave(CpuidDifference lost)
    {
        string[] lacking =
        [
            .. hosts.Where(host => CpuidXsave.Components(host.Table) == 0
                || LastLeaf(host.Table, CpuidXsave.Leaf) < CpuidXsave.Leaf).Select(host => host.Name),
        ];
        return lacking.Length > 0
            ? new CpuidCost(lost, CpuidCostReason.Lacks, [.. lacking])
            : new CpuidCost(lost, CpuidCostReason.Differs, [.. hosts.Select(host => host.Name)]);
    }

    private CpuidCost Otherwise(CpuidDifference lost, uint leaf, uint subleaf)
    {
        string[] lacking =
        [
            .. hosts.Where(host => (host.Table.Find(leaf, subleaf)?.Registers ?? default) == default
                || LastLeaf(host.Table, leaf) < leaf).Select(host => host.Name),
        ];
        return lacking.Length > 0
            ? new CpuidCost(lost, CpuidCostReason.Lacks, [.. lacking])
            : new CpuidCost(lost, CpuidCostReason.Differs, Minority(leaf, subleaf));
    }

    /// <summary>The hosts that do not say what most say; where no answer has most hosts, all.</summary>
    private ImmutableArray<string> Minority(uint leaf, uint subleaf)
    {
        IGrouping<CpuidRegisters, string>[] answers =
        [
            .. hosts.GroupBy(host => host.Table.Find(leaf, subleaf)?.Registers ?? default, host => host.Name)
                .OrderByDescending(answer => answer.Count()),
        ];
        bool isTied = answers.Length > 1 && answers[0].Count() == answers[1].Count();
        return answers.Length == 1 ? [] : [.. answers.Skip(isTied ? 0 : 1).SelectMany(answer => answer)];
    }
}
