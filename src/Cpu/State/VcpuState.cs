// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Apic;
using KvmActors.Cpu.Cpuid;

namespace KvmActors.Cpu.State;

/// <summary>Everything a vCPU owns, as data, at an instruction boundary. <c>Vcpu.Save</c> gives it,
/// <c>Vcpu.Restore</c> takes it; the versioned wire form is Persistence's.</summary>
/// <param name="Index">Index of the vCPU in its VM.</param>
/// <param name="Gprs">RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8…R15: the order of the encoding.</param>
/// <param name="Segments">ES, CS, SS, DS, FS, GS, LDTR, TR.</param>
/// <param name="Msrs">The MSRs this engine keeps that no other field holds, by ascending index.</param>
/// <param name="FxSave">The 512-byte FXSAVE64 image of x87 and SSE state.</param>
/// <param name="DebugRegisters">DR0, DR1, DR2, DR3, DR6, DR7.</param>
/// <param name="InterruptShadow">What the last instruction holds off for the next one.</param>
/// <param name="InstructionsRetired">By this vCPU since its creation; a REP iteration counts one.</param>
/// <param name="Observed">Which CPUID leaves the guest has read, by ascending leaf, then subleaf.</param>
/// <param name="Apic">The local APIC; its task priority is also in <paramref name="Cr8"/>.</param>
/// <param name="Events">What waits to be taken.</param>
/// <param name="HeldBreakpoints">Breakpoints that a MOV SS or POP SS has met, which trap behind the next instruction:
/// bits 3:0 as in DR6.</param>
/// <param name="RandomsDrawn">Numbers that RDRAND and RDSEED have given.</param>
public sealed record VcpuState(
    int Index,
    ImmutableArray<ulong> Gprs,
    ulong Rip,
    ulong RFlags,
    ImmutableArray<SegmentState> Segments,
    DescriptorTableState Gdtr,
    DescriptorTableState Idtr,
    ulong Cr0,
    ulong Cr2,
    ulong Cr3,
    ulong Cr4,
    ulong Cr8,
    ulong Efer,
    ulong Xcr0,
    ImmutableArray<MsrValue> Msrs,
    ImmutableArray<ulong> DebugRegisters,
    ImmutableArray<byte> FxSave,
    VcpuActivity Activity,
    InterruptShadow InterruptShadow,
    ulong InstructionsRetired,
    CpuidTable Cpuid,
    ImmutableArray<CpuidObservation> Observed,
    LocalApicState Apic,
    VcpuEvents Events,
    byte HeldBreakpoints,
    ulong RandomsDrawn)
{
    /// <summary>What CPUID's runtime-owned bits follow, as the CPUID instruction has it here: no supervisor
    /// state.</summary>
    public CpuidRuntime CpuidRuntime => new(
        Cr4,
        Xcr0,
        Xss: 0,
        MsrAt(MsrSlots.ApicBase),
        MsrAt(MsrSlots.MiscEnable));

    private ulong MsrAt(int slot) =>
        Msrs.FirstOrDefault(msr => msr.Index == MsrSlots.Indices[slot]).Value;
}
