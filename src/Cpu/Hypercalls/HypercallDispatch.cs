// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Hypercalls;

/// <summary>Answers hypercalls, with KVM's ABI. Pure: what a call changes besides RAX, the caller of this
/// does.</summary>
/// <remarks>Source: Linux v6.19 arch/x86/kvm/x86.c:____kvm_emulate_hypercall, kvm_pv_clock_pairing,
/// arch/x86/kvm/lapic.c:kvm_pv_send_ipi. The paravirtual feature bits of leaf 0x40000001 do not gate the numbers, as in
/// a KVM without KVM_CAP_ENFORCE_PV_FEATURE_CPUID.</remarks>
public static class HypercallDispatch
{
    // ICR bits 11 (destination mode) and 19:18 (shorthand): the call takes physical destinations only.
    private const ulong IcrRefused = (1ul << 11) | (3ul << 18);

    /// <summary>The number as dispatched: cut to 32 bits outside 64-bit mode.</summary>
    public static HypercallNumber NumberOf(in HypercallRequest request) =>
        (HypercallNumber)(request.Is64Bit ? request.Rax : (uint)request.Rax);

    /// <summary>What RAX becomes: 32 bits outside 64-bit mode. No other register changes.</summary>
    public static ulong Answer(in HypercallRequest request)
    {
        long result = request.Cpl != 0
            ? -(long)HypercallError.NotPermitted
            : Serve(NumberOf(request), request.Is64Bit ? request.Rsi : (uint)request.Rsi);
        return request.Is64Bit ? (ulong)result : (uint)result;
    }

    private static long Serve(HypercallNumber number, ulong rsi) => number switch
    {
        HypercallNumber.VapicPollIrq => 0,

        // A vCPU that calls is not halted, and a VM of one vCPU has none to wake or to yield to. KVM answers 0 for an
        // APIC id it does not know, too.
        HypercallNumber.KickCpu => 0,
        HypercallNumber.SchedYield => 0,

        // No wall clock is paired with the TSC here: KVM's answer where the host's clock is not the TSC.
        HypercallNumber.ClockPairing => -(long)HypercallError.NotSupported,

        // KVM's answers without a local APIC.
        HypercallNumber.SendIpi => (rsi & IcrRefused) != 0
            ? -(long)HypercallError.Invalid
            : -(long)HypercallError.NotSupported,

        HypercallNumber.MmuOp or HypercallNumber.Features or HypercallNumber.PpcMapMagicPage
            or HypercallNumber.MipsGetClockFreq or HypercallNumber.MipsExitVm or HypercallNumber.MipsConsoleOutput
            or HypercallNumber.MapGpaRange => -(long)HypercallError.NoSuchCall,
        _ => -(long)HypercallError.NoSuchCall,
    };
}
