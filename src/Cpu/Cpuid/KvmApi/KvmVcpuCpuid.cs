// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Cpu.Cpuid.KvmApi;

/// <summary>A vCPU's CPUID as KVM's calls on its file descriptor set and get it. Immutable: a set gives the next one, a
/// refused set leaves this one as it was.</summary>
/// <remarks>KVM checks next to nothing: features that no processor has, makers, duplicates and maximum leaves all pass;
/// <c>Fleet.CpuidLint</c> looks at those. Source: Linux v6.19 arch/x86/kvm/cpuid.c: kvm_set_cpuid,
/// kvm_vcpu_ioctl_set_cpuid, kvm_vcpu_ioctl_get_cpuid2, kvm_check_cpuid, kvm_cpuid_check_equal.</remarks>
/// <param name="Table">Empty in a new vCPU: its guest reads zeros.</param>
/// <param name="HasRun">The guest has executed an instruction: the table is frozen from then on.</param>
public sealed record KvmVcpuCpuid(CpuidTable Table, bool HasRun)
{
    /// <summary>State components that a process must be permitted to use before its guests may have them: the tile
    /// data of AMX. Source: Linux v6.19 arch/x86/include/asm/fpu/xstate.h, XFEATURE_MASK_USER_DYNAMIC.</summary>
    public const ulong DynamicComponents = 1ul << 18;

    private const uint AddressSizeLeaf = 0x8000_0008;

    /// <summary>A vCPU that no table was set for.</summary>
    public static KvmVcpuCpuid New { get; } = new(CpuidTable.Empty, HasRun: false);

    /// <summary>Our quirk, off in KVM: the table may change after the first instruction.</summary>
    public bool MayChangeAfterRun { get; init; }

    /// <summary>XCR0 components that this process may give to guests.</summary>
    public ulong PermittedComponents { get; init; } = ~DynamicComponents;

    /// <summary>KVM_SET_CPUID2.</summary>
    /// <param name="entries">Stored as they are, unknown flags and padding too. None: the table becomes empty.</param>
    /// <param name="runtime">The state of the vCPU, which owns some bits: they are not compared.</param>
    /// <returns>E2BIG: over 256 entries. EINVAL: an address width that no processor has, or a change after the first
    /// instruction. EPERM: a component that this process was not permitted.</returns>
    public KvmResult<KvmVcpuCpuid> SetCpuid2(IReadOnlyCollection<CpuidEntry> entries, in CpuidRuntime runtime)
    {
        ArgumentNullException.ThrowIfNull(entries);
        if (entries.Count > CpuidTable.EntriesMax)
        {
            return new KvmError(
                KvmErrno.E2Big,
                $"Expected at most {CpuidTable.EntriesMax} entries, found {entries.Count}. Leave out leaves of zeros.");
        }

        var table = CpuidTable.Of(entries);
        if (HasRun && !MayChangeAfterRun)
        {
            return IsSame(Table, table, runtime)
                ? this
                : new KvmError(
                    KvmErrno.EInval,
                    "Expected the table that the vCPU runs with, because a guest may have read it; found another one. "
                    + "Set it before the guest is started.");
        }

        return WhyNot(table) is { } error ? error : this with { Table = table };
    }

    /// <summary>KVM_SET_CPUID: entries without subleaves.</summary>
    /// <param name="hostHasNx">EFER.NXE of the host. Where it is clear, NX is taken out of what the caller gives: a
    /// guest that set it in its page tables would fault. Later kernels leave it.</param>
    /// <returns>As <see cref="SetCpuid2"/>.</returns>
    public KvmResult<KvmVcpuCpuid> SetCpuid(
        IReadOnlyCollection<KvmLegacyCpuidEntry> entries, bool hostHasNx, in CpuidRuntime runtime)
    {
        ArgumentNullException.ThrowIfNull(entries);
        ImmutableArray<CpuidEntry> wide =
        [
            .. entries.Select(entry => new CpuidEntry(
                entry.Leaf,
                0,
                CpuidEntryFlags.None,
                entry.Eax,
                entry.Ebx,
                entry.Ecx,
                hostHasNx || entry.Leaf != 0x8000_0001 ? entry.Edx : entry.Edx & ~(1u << 20))),
        ];
        return SetCpuid2(wide, runtime);
    }

    /// <summary>KVM_GET_CPUID2: the table with the bits that follow the vCPU's state.</summary>
    /// <param name="capacity">Entries that the caller has room for.</param>
    public KvmCpuidReply GetCpuid2(int capacity, in CpuidRuntime runtime) =>
        KvmCpuidReply.Of(WithRuntime(Table, runtime), capacity);

    private static KvmError? InvalidWidth(uint linear) => new(
        KvmErrno.EInval,
        $"Expected 0, 48 or 57 linear address bits in CPUID.80000008H:EAX[15:8], found {linear}. No processor has "
        + "others.");

    private static bool IsSame(CpuidTable old, CpuidTable given, in CpuidRuntime runtime)
    {
        ImmutableArray<CpuidEntry> before = WithRuntime(old, runtime);
        ImmutableArray<CpuidEntry> after = WithRuntime(given, runtime);
        return before.Length == after.Length && before.Zip(after).All(pair =>
            (pair.First.Leaf, pair.First.Subleaf, pair.First.Flags, pair.First.Registers)
            == (pair.Second.Leaf, pair.Second.Subleaf, pair.Second.Flags, pair.Second.Registers));
    }

    /// <summary>Only the first entry of its kind is kept up: the others are never found by a guest.</summary>
    private static ImmutableArray<CpuidEntry> WithRuntime(CpuidTable table, CpuidRuntime runtime)
    {
        HashSet<(uint, uint)> done = [];
        return
        [
            .. table.Entries.Select(entry =>
            {
                bool isOwned = (entry.Leaf, entry.Subleaf) is (1, _) or (7, 0) or (0xD, 0 or 1);
                if (!isOwned || !done.Add((entry.Leaf, entry.Leaf == 1 ? 0 : entry.Subleaf)))
                {
                    return entry;
                }

                CpuidRegisters now = CpuidRuntimeBits.Apply(table, entry, runtime);
                return entry with { Eax = now.Eax, Ebx = now.Ebx, Ecx = now.Ecx, Edx = now.Edx };
            }),
        ];
    }

    private KvmError? WhyNot(CpuidTable table)
    {
        uint linear = table.Find(AddressSizeLeaf, 0) is { } sizes ? sizes.Eax >> 8 & 0xFF : 0;
        if (linear is not (0 or 48 or 57))
        {
            return InvalidWidth(linear);
        }

        ulong components = table.Find(0xD, 0) is { } xsave ? ((ulong)xsave.Edx << 32) | xsave.Eax : 0;
        ulong denied = components & DynamicComponents & ~PermittedComponents;
        return denied == 0
            ? null
            : new KvmError(
                KvmErrno.EPerm,
                $"Expected XSAVE components that this process may give to guests, found 0x{denied:x} among them. Ask "
                + "for them by arch_prctl(ARCH_REQ_XCOMP_GUEST_PERM), or take them out of leaf 0xD.");
    }
}
