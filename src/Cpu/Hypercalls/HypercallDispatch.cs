// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Apic;
using KvmActors.Cpu.Paravirtual;

namespace KvmActors.Cpu.Hypercalls;

/// <summary>Decides hypercalls, with KVM's ABI. Pure: what a call changes besides RAX is given back as data.</summary>
/// <remarks>A call whose paravirtual feature is not in the vCPU's CPUID table is no call, as in a KVM with
/// KVM_CAP_ENFORCE_PV_FEATURE_CPUID. Source: Linux v6.19 arch/x86/kvm/x86.c:____kvm_emulate_hypercall,
/// kvm_pv_kick_cpu_op, kvm_sched_yield, kvm_pv_clock_pairing, arch/x86/kvm/lapic.c:kvm_pv_send_ipi.</remarks>
public static class HypercallDispatch
{
    // ICR bits 11 (destination mode) and 19:18 (shorthand): the call takes physical destinations only.
    private const ulong IcrRefused = (1ul << 11) | (3ul << 18);

    private const uint IcrAssert = 1u << 14;

    // KVM_CLOCK_PAIRING_WALLCLOCK.
    private const ulong WallClock = 0;

    private const int WordBits32 = 32;
    private const int WordBits64 = 64;

    /// <summary>The number as dispatched: cut to 32 bits outside 64-bit mode.</summary>
    public static HypercallNumber NumberOf(in HypercallRequest request) => (HypercallNumber)request.Cut().Rax;

    /// <summary>What RAX becomes of an answer: 32 bits outside 64-bit mode. No other register changes.</summary>
    public static ulong Encode(in HypercallRequest request, long answer) =>
        request.Is64Bit ? (ulong)answer : (uint)answer;

    public static HypercallDecision Decide(in HypercallRequest request) => request.Cpl != 0
        ? Refuse(HypercallError.NotPermitted)
        : Serve(request.Cut());

    private static HypercallDecision Serve(in HypercallRequest request) => NumberOf(request) switch
    {
        HypercallNumber.VapicPollIrq => new HypercallDecision(0, null),
        HypercallNumber.KickCpu => Offered(
            request, ParavirtualFeature.Unhalt, new(0, new HypercallEffect.Kick((uint)request.Rcx))),
        HypercallNumber.ClockPairing => PairClocks(request),
        HypercallNumber.SendIpi => Offered(request, ParavirtualFeature.SendIpi, SendIpi(request)),
        HypercallNumber.SchedYield => Offered(
            request, ParavirtualFeature.SchedYield, new(0, new HypercallEffect.Yield(request.Rbx))),
        HypercallNumber.MmuOp or HypercallNumber.Features or HypercallNumber.PpcMapMagicPage
            or HypercallNumber.MipsGetClockFreq or HypercallNumber.MipsExitVm or HypercallNumber.MipsConsoleOutput
            or HypercallNumber.MapGpaRange => Refuse(HypercallError.NoSuchCall),
        _ => Refuse(HypercallError.NoSuchCall),
    };

    private static HypercallDecision Offered(
        in HypercallRequest request, ParavirtualFeature feature, HypercallDecision decision) =>
        (request.Offered & feature) != 0 ? decision : Refuse(HypercallError.NoSuchCall);

    private static HypercallDecision PairClocks(in HypercallRequest request) => request.Rcx == WallClock
        ? Refuse(HypercallError.NotSupported) with { Effect = new HypercallEffect.PairClocks(new Gpa(request.Rbx)) }
        : Refuse(HypercallError.NotSupported);

    private static HypercallDecision SendIpi(in HypercallRequest request)
    {
        if ((request.Rsi & IcrRefused) != 0)
        {
            return Refuse(HypercallError.Invalid);
        }

        var message = InterruptMessage.OfCommand((uint)request.Rsi, destination: 0, isWide: true);
        bool isAsserted = !message.IsLevel || ((uint)request.Rsi & IcrAssert) != 0;
        if (!isAsserted && message.Mode is (DeliveryMode.Fixed or DeliveryMode.LowestPriority or DeliveryMode.Init))
        {
            // Nobody takes the end of a level.
            return new HypercallDecision(0, null);
        }

        UInt128 targets = request.Rbx | ((UInt128)request.Rcx << (request.Is64Bit ? WordBits64 : WordBits32));
        return Refuse(HypercallError.NotSupported) with
        {
            Effect = new HypercallEffect.SendIpi(targets, (uint)request.Rdx, message),
        };
    }

    private static HypercallDecision Refuse(HypercallError error) => new(-(long)error, null);
}
