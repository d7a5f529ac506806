// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Cpuid.Fleet.Lint;

namespace KvmActors.Cpu.Cpuid.Fleet;

/// <summary>Whether a table agrees with itself: what no KVM ever checks. Pure.</summary>
/// <remarks>KVM_SET_CPUID2 looks at the linear width of 80000008H and at dynamic XSAVE components and takes everything
/// else as it comes. Source: Intel SDM vol. 1, chapter 13, and vol. 2A, "CPUID"; AMD APM vol. 3, appendix E; Linux
/// v6.19 arch/x86/kvm/cpuid.c:kvm_check_cpuid and arch/x86/kernel/cpu/cpuid-deps.c.</remarks>
public static class CpuidLint
{
    /// <summary>All findings, errors first, then by leaf.</summary>
    public static ImmutableArray<CpuidFinding> Of(CpuidTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        IEnumerable<CpuidFinding> findings =
        [
            .. EntryRules.Check(table),
            .. MaximumRules.Check(table),
            .. FeatureRules.Check(table),
            .. MakerRules.Check(table),
            .. XsaveRules.Check(table),
            .. WidthRules.Check(table),
            .. HypervisorRules.Check(table),
            .. RuntimeRules.Check(table),
        ];
        return
        [
            .. findings.OrderByDescending(finding => finding.Severity)
                .ThenBy(finding => (finding.Leaf, finding.Subleaf, finding.Register, finding.Bit)),
        ];
    }
}
