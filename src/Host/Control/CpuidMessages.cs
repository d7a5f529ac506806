// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.KvmApi;
using KvmActors.Cpu.State;
using CpuidEntryMessage = KvmActors.Host.Control.V1.CpuidEntry;

namespace KvmActors.Host.Control;

/// <summary>CPUID tables to and from <c>control.proto</c>. Pure.</summary>
internal static class CpuidMessages
{
    /// <summary>A vCPU's table as KVM_GET_CPUID2 gives it: with flags, padding, and the bits that follow its
    /// state.</summary>
    public static ImmutableArray<CpuidEntry> Get(VcpuState vcpu) =>
        new KvmVcpuCpuid(vcpu.Cpuid, HasRun: vcpu.InstructionsRetired > 0)
            .GetCpuid2(CpuidTable.EntriesMax, vcpu.CpuidRuntime).Entries;

    public static CpuidEntryMessage Of(CpuidEntry entry) => new()
    {
        Leaf = entry.Leaf,
        Subleaf = entry.Subleaf,
        IsIndexed = entry.Flags.HasFlag(CpuidEntryFlags.SignificantIndex),
        Eax = entry.Eax,
        Ebx = entry.Ebx,
        Ecx = entry.Ecx,
        Edx = entry.Edx,
        Flags = (uint)entry.Flags,
        Padding0 = entry.Padding0,
        Padding1 = entry.Padding1,
        Padding2 = entry.Padding2,
    };

    /// <summary>A client that fills <c>is_indexed</c> alone means that flag alone.</summary>
    public static CpuidEntry From(CpuidEntryMessage entry) => new(
        entry.Leaf,
        entry.Subleaf,
        (CpuidEntryFlags)entry.Flags | (entry.IsIndexed ? CpuidEntryFlags.SignificantIndex : CpuidEntryFlags.None),
        entry.Eax,
        entry.Ebx,
        entry.Ecx,
        entry.Edx,
        entry.Padding0,
        entry.Padding1,
        entry.Padding2);
}
