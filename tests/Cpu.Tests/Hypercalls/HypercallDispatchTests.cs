// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Apic;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Cpu.Paravirtual;
using Xunit;

namespace KvmActors.Cpu.Tests.Hypercalls;

/// <summary>KVM's hypercall ABI: numbers, privilege, truncation, error codes, what CPUID offers.</summary>
public sealed class HypercallDispatchTests
{
    private const ulong Garbage = 0xDEAD_BEEF_0000_0000;
    private const ulong Icr = 0x4040; // asserted, vector 0x40

    private static HypercallRequest Call(ulong rax, ulong rsi = 0, int cpl = 0, bool is64Bit = true) =>
        new(rax, Rbx: 1, Rcx: 2, Rdx: 3, rsi, cpl, is64Bit, ParavirtualCpuid.Offered);

    private static ulong Answer(HypercallRequest request)
    {
        HypercallDecision decision = HypercallDispatch.Decide(request);
        Assert.Null(decision.Effect);
        return HypercallDispatch.Encode(request, decision.Result);
    }

    private static T Effect<T>(HypercallRequest request)
        where T : HypercallEffect => Assert.IsType<T>(HypercallDispatch.Decide(request).Effect);

    [Theory]
    [InlineData(HypercallNumber.VapicPollIrq, 0)]
    [InlineData(HypercallNumber.MmuOp, -1000)]
    [InlineData(HypercallNumber.Features, -1000)]
    [InlineData(HypercallNumber.PpcMapMagicPage, -1000)]
    [InlineData(HypercallNumber.MipsGetClockFreq, -1000)]
    [InlineData(HypercallNumber.MipsExitVm, -1000)]
    [InlineData(HypercallNumber.MipsConsoleOutput, -1000)]
    [InlineData(HypercallNumber.MapGpaRange, -1000)]
    [InlineData((HypercallNumber)0, -1000)]
    [InlineData((HypercallNumber)13, -1000)]
    [InlineData((HypercallNumber)ulong.MaxValue, -1000)]
    public void Each_number_that_asks_for_nothing_has_KVMs_answer(HypercallNumber number, long result)
    {
        Assert.Equal((ulong)result, Answer(Call((ulong)number)));
    }

    [Theory]
    [InlineData(HypercallNumber.KickCpu, 0)]
    [InlineData(HypercallNumber.SchedYield, 0)]
    [InlineData(HypercallNumber.ClockPairing, -95)]
    [InlineData(HypercallNumber.SendIpi, -95)]
    public void A_vcpu_that_is_alone_gets_the_answer_of_a_KVM_that_cannot(HypercallNumber number, long result)
    {
        Assert.Equal(result, HypercallDispatch.Decide(Call((ulong)number) with { Rcx = 0 }).Result);
    }

    [Fact]
    public void A_kick_names_its_APIC_id_in_the_second_argument_and_a_yield_in_the_first()
    {
        Assert.Equal(2u, Effect<HypercallEffect.Kick>(Call(5)).ApicId);
        Assert.Equal(1ul, Effect<HypercallEffect.Yield>(Call(11)).ApicId);
        Assert.Equal(Garbage | 1, Effect<HypercallEffect.Yield>(Call(11) with { Rbx = Garbage | 1 }).ApicId);
        Assert.Equal(
            1ul, Effect<HypercallEffect.Yield>(Call(11, is64Bit: false) with { Rbx = Garbage | 1 }).ApicId);
    }

    [Theory]
    [InlineData(HypercallNumber.KickCpu, ParavirtualFeature.Unhalt)]
    [InlineData(HypercallNumber.SendIpi, ParavirtualFeature.SendIpi)]
    [InlineData(HypercallNumber.SchedYield, ParavirtualFeature.SchedYield)]
    public void A_call_whose_feature_CPUID_does_not_offer_is_no_call(HypercallNumber number, ParavirtualFeature feature)
    {
        HypercallRequest without = Call((ulong)number) with { Offered = ParavirtualCpuid.Offered & ~feature };

        Assert.Equal(unchecked((ulong)-1000L), Answer(without));
        Assert.NotNull(HypercallDispatch.Decide(without with { Offered = feature }).Effect);
    }

    [Fact]
    public void Outside_64_bit_mode_number_and_result_are_32_bits()
    {
        Assert.Equal(0xFFFF_FC18ul, Answer(Call(Garbage | 99, is64Bit: false)));
        Assert.Equal(0ul, Answer(Call(Garbage | 1, is64Bit: false)));
        Assert.Equal(HypercallNumber.VapicPollIrq, HypercallDispatch.NumberOf(Call(Garbage | 1, is64Bit: false)));
        Assert.Equal(0xFFFF_FFFF_FFFF_FC18ul, Answer(Call(Garbage | 1)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Above_CPL_0_every_number_is_EPERM_even_one_that_does_not_exist(int cpl)
    {
        Assert.Equal(ulong.MaxValue, Answer(Call(1, cpl: cpl)));
        Assert.Equal(ulong.MaxValue, Answer(Call(5, cpl: cpl)));
        Assert.Equal(ulong.MaxValue, Answer(Call(99, cpl: cpl)));
        Assert.Equal(0xFFFF_FFFFul, Answer(Call(99, cpl: cpl, is64Bit: false)));
    }

    [Theory]
    [InlineData(1ul << 11)]
    [InlineData(1ul << 18)]
    [InlineData(1ul << 19)]
    public void An_IPI_with_a_logical_destination_or_a_shorthand_is_invalid(ulong icr)
    {
        Assert.Equal(unchecked((ulong)-22L), Answer(Call(10, rsi: icr)));
        Assert.Equal(0xFFFF_FFEAul, Answer(Call(10, rsi: Garbage | icr, is64Bit: false)));
    }

    [Fact]
    public void An_IPIs_words_hold_64_ids_in_64_bit_mode_and_32_elsewhere()
    {
        HypercallRequest wide = Call(10, Icr) with { Rbx = 1ul << 63, Rcx = Garbage | 2, Rdx = Garbage | 7 };

        HypercallEffect.SendIpi ipi = Effect<HypercallEffect.SendIpi>(wide);
        HypercallEffect.SendIpi narrow = Effect<HypercallEffect.SendIpi>(wide with { Is64Bit = false });

        Assert.Equal((UInt128)(1ul << 63) | ((UInt128)(Garbage | 2) << 64), ipi.Targets);
        Assert.Equal(2ul << 32, narrow.Targets);
        Assert.Equal((7u, 7u), (ipi.FirstApicId, narrow.FirstApicId));
    }

    [Theory]
    [InlineData(0x4040ul, DeliveryMode.Fixed)]
    [InlineData(0x4140ul, DeliveryMode.LowestPriority)]
    [InlineData(0x340ul, DeliveryMode.RemoteRead)]
    [InlineData(0x440ul, DeliveryMode.NonMaskable)]
    [InlineData(0xC540ul, DeliveryMode.Init)]
    [InlineData(0x640ul, DeliveryMode.StartUp)]
    [InlineData(0xC040ul, DeliveryMode.Fixed)]
    public void An_IPI_is_what_the_ICR_says(ulong icr, DeliveryMode mode)
    {
        InterruptMessage message = Effect<HypercallEffect.SendIpi>(Call(10, icr)).Interrupt;

        Assert.Equal((0x40, mode, (icr & 0x8000) != 0), (message.Vector, message.Mode, message.IsLevel));
    }

    [Theory]
    [InlineData(0x8040ul)]
    [InlineData(0x8140ul)]
    [InlineData(0x8540ul)]
    public void Nobody_takes_the_end_of_a_level(ulong icr) => Assert.Equal(0ul, Answer(Call(10, icr)));

    [Fact]
    public void Clocks_are_paired_at_a_GPA_and_only_the_wall_clock_can_be()
    {
        HypercallRequest pairing = Call(9) with { Rbx = Garbage | 0x1000, Rcx = 0 };

        Assert.Equal(new Gpa(Garbage | 0x1000), Effect<HypercallEffect.PairClocks>(pairing).Address);
        Assert.Equal(
            new Gpa(0x1000), Effect<HypercallEffect.PairClocks>(pairing with { Is64Bit = false }).Address);
        Assert.Equal(unchecked((ulong)-95L), Answer(pairing with { Rcx = 1 }));
        Assert.Equal(unchecked((ulong)-95L), Answer(pairing with { Rcx = Garbage }));
    }
}
