// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Cpuid.Vetting;

namespace KvmActors.Cpu.Cpuid.KvmApi;

/// <summary>What KVM tells on <c>/dev/kvm</c> itself, for one host: which tables its guests may have.</summary>
/// <remarks>Source: Linux v6.19 arch/x86/kvm/cpuid.c: kvm_dev_ioctl_get_cpuid, __do_cpuid_func,
/// __do_cpuid_func_emulated.</remarks>
/// <param name="Host">The host's raw table, or any other processor's.</param>
public sealed record KvmSystemCpuid(CpuidTable Host)
{
    /// <summary>KVM_CHECK_EXTENSION: 1 where there is such a thing, else 0.</summary>
    public static int CheckExtension(int capability) =>
        Enum.IsDefined((KvmCapability)capability) ? 1 : 0;

    /// <summary>KVM_GET_SUPPORTED_CPUID: what the host has, vetted, and cut to what this engine executes.</summary>
    /// <param name="capacity">Entries that the caller has room for; more than 256 count as 256.</param>
    /// <returns>E2BIG where there is too little room; never how much there should be.</returns>
    public KvmCpuidReply GetSupportedCpuid(int capacity) =>
        KvmCpuidReply.Of(CpuidVetting.CutToEngine(Host).Entries, capacity);

    /// <summary>The same as the first KVM gave it: <see cref="KvmSupported2007"/>.</summary>
    public KvmCpuidReply GetSupportedCpuid2007(int capacity, bool hostHasNx) =>
        KvmCpuidReply.Of(KvmSupported2007.Read(Host, hostHasNx).Entries, capacity);

    /// <summary>KVM_GET_EMULATED_CPUID: what is executed even where the host has none of it: MOVBE and, with RDTSCP,
    /// RDPID.</summary>
    /// <param name="buffer">The caller's entries, which are overwritten; their padding has to be 0.</param>
    public KvmCpuidReply GetEmulatedCpuid(IReadOnlyList<CpuidEntry> buffer)
    {
        ArgumentNullException.ThrowIfNull(buffer);
        bool hasRdtscp = Host.Has(new(0x8000_0001, 0, CpuidRegister.Edx, 27));
        ImmutableArray<CpuidEntry> emulated =
        [
            new(0, 0, CpuidEntryFlags.None, Eax: 7, 0, 0, 0),
            new(1, 0, CpuidEntryFlags.None, 0, 0, Ecx: 1u << 22, 0),
            new(7, 0, CpuidEntryFlags.SignificantIndex, 0, 0, Ecx: hasRdtscp ? 1u << 22 : 0, 0),
        ];
        if (buffer.Count > 0 && buffer.Take(CpuidTable.EntriesMax).Any(entry =>
            (entry.Padding0 | entry.Padding1 | entry.Padding2) != 0))
        {
            return new KvmCpuidReply(buffer.Count, [], new KvmError(
                KvmErrno.EInval, "Expected zeros in the padding of the entries given, found others. Clear them."));
        }

        return KvmCpuidReply.Of(emulated, buffer.Count);
    }
}
