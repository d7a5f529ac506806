// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Hypercalls;
using Xunit;

namespace KvmActors.Cpu.Tests.Hypercalls;

/// <summary>KVM's hypercall ABI: numbers, privilege, truncation, error codes.</summary>
public sealed class HypercallDispatchTests
{
    private const ulong Garbage = 0xDEAD_BEEF_0000_0000;

    private static HypercallRequest Call(ulong rax, ulong rsi = 0, int cpl = 0, bool is64Bit = true) =>
        new(rax, Rbx: 1, Rcx: 2, Rdx: 3, rsi, cpl, is64Bit);

    [Theory]
    [InlineData(HypercallNumber.VapicPollIrq, 0)]
    [InlineData(HypercallNumber.MmuOp, -1000)]
    [InlineData(HypercallNumber.Features, -1000)]
    [InlineData(HypercallNumber.PpcMapMagicPage, -1000)]
    [InlineData(HypercallNumber.KickCpu, 0)]
    [InlineData(HypercallNumber.MipsGetClockFreq, -1000)]
    [InlineData(HypercallNumber.MipsExitVm, -1000)]
    [InlineData(HypercallNumber.MipsConsoleOutput, -1000)]
    [InlineData(HypercallNumber.ClockPairing, -95)]
    [InlineData(HypercallNumber.SendIpi, -95)]
    [InlineData(HypercallNumber.SchedYield, 0)]
    [InlineData(HypercallNumber.MapGpaRange, -1000)]
    [InlineData((HypercallNumber)0, -1000)]
    [InlineData((HypercallNumber)13, -1000)]
    [InlineData((HypercallNumber)ulong.MaxValue, -1000)]
    public void Each_number_has_KVMs_answer(HypercallNumber number, long result)
    {
        Assert.Equal((ulong)result, HypercallDispatch.Answer(Call((ulong)number)));
    }

    [Fact]
    public void Outside_64_bit_mode_number_and_result_are_32_bits()
    {
        Assert.Equal(0xFFFF_FC18ul, HypercallDispatch.Answer(Call(Garbage | 99, is64Bit: false)));
        Assert.Equal(0ul, HypercallDispatch.Answer(Call(Garbage | 1, is64Bit: false)));
        Assert.Equal(HypercallNumber.VapicPollIrq, HypercallDispatch.NumberOf(Call(Garbage | 1, is64Bit: false)));
        Assert.Equal(0xFFFF_FFFF_FFFF_FC18ul, HypercallDispatch.Answer(Call(Garbage | 1)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Above_CPL_0_every_number_is_EPERM_even_one_that_does_not_exist(int cpl)
    {
        Assert.Equal(ulong.MaxValue, HypercallDispatch.Answer(Call(1, cpl: cpl)));
        Assert.Equal(ulong.MaxValue, HypercallDispatch.Answer(Call(99, cpl: cpl)));
        Assert.Equal(0xFFFF_FFFFul, HypercallDispatch.Answer(Call(99, cpl: cpl, is64Bit: false)));
    }

    [Theory]
    [InlineData(1ul << 11)]
    [InlineData(1ul << 18)]
    [InlineData(1ul << 19)]
    public void An_IPI_with_a_logical_destination_or_a_shorthand_is_invalid(ulong icr)
    {
        Assert.Equal(unchecked((ulong)-22L), HypercallDispatch.Answer(Call(10, rsi: icr)));
        Assert.Equal(0xFFFF_FFEAul, HypercallDispatch.Answer(Call(10, rsi: Garbage | icr, is64Bit: false)));
    }
}
