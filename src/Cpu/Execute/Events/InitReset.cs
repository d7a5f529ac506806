// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Apic;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Events;

// JUSTIFICATION: see CpuState.
// SAFETY: works on the state of the engine it is given.

/// <summary>INIT and the start-up IPI.</summary>
/// <remarks>Source: Intel SDM vol. 3A, table 10-1 "IA-32 and Intel 64 Processor States Following Power-up, Reset, or
/// INIT"; section 10.4.3; Linux v6.19 arch/x86/kvm/x86.c:kvm_vcpu_reset, kvm_vcpu_deliver_sipi_vector.</remarks>
internal static unsafe class InitReset
{
    private const ulong Cr0Caching = 0x6000_0000;
    private const ulong Cr0ExtensionType = 0x10;
    private const int PageShift = 12;
    private const int ParagraphShift = 8;

    /// <summary>As reset, but for the caching bits of CR0, the MSRs except that of the vCPU's clock, x87 and SSE
    /// registers, the TSC and what is counted; the bootstrap processor goes to the reset vector, any other waits for
    /// its start-up IPI.</summary>
    public static void Apply(VcpuEngine engine)
    {
        CpuState* state = engine.State;
        VcpuState old = StateTransfer.Save(engine);
        VcpuState fresh = StateTransfer.Reset(engine.Index);
        bool isBootstrap = (*CpuState.Msr(state, MsrSlots.ApicBase) & MsrSlots.ApicBaseBootstrapProcessor) != 0;
        StateTransfer.Restore(
            engine,
            fresh with
            {
                Cr0 = (old.Cr0 & Cr0Caching) | Cr0ExtensionType,
                Msrs = WithoutClock(old.Msrs),
                FxSave = old.FxSave,
                Xcr0 = old.Xcr0,
                Activity = isBootstrap ? VcpuActivity.Running : VcpuActivity.WaitForSipi,
                InstructionsRetired = old.InstructionsRetired,
                Cpuid = old.Cpuid,
                Observed = old.Observed,
                RandomsDrawn = old.RandomsDrawn,
                Apic = LocalApicState.Reset(engine.Index),

                // The start-up IPI may have come already.
                Events = VcpuEvents.None with { SipiVector = old.Events.SipiVector },
            });
    }

    /// <summary>INIT ends the paravirtual clock. Source: Linux v6.19 arch/x86/kvm/x86.c:kvmclock_reset.</summary>
    private static ImmutableArray<MsrValue> WithoutClock(ImmutableArray<MsrValue> msrs) =>
        msrs.SetItem(MsrSlots.SystemTime, msrs[MsrSlots.SystemTime] with { Value = 0 });

    /// <summary>Real mode at the page that the start-up IPI names.</summary>
    public static void StartAt(CpuState* state, byte vector)
    {
        SegmentCache* code = CpuState.Segment(state, SegmentName.Cs);
        code->Selector = (ushort)(vector << ParagraphShift);
        code->Base = (ulong)vector << PageShift;
        state->Rip = 0;
        state->Activity = VcpuActivity.Running;
        ModeControl.Refresh(state);
        JumpCache.Flush(state);
    }
}
