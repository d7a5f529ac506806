// SPDX-License-Identifier: Apache-2.0

using KvmActors.Machine.Devices;
using Xunit;

namespace KvmActors.Machine.Tests.Devices;

/// <summary>What the 8254 data sheet's timing diagrams say, clock by clock, mostly of counter 2, whose gate and output
/// port 61h has.</summary>
public sealed class Pit8254Tests
{
    private const ulong Written = 100;

    private readonly PlatformRig _rig = new();

    [Theory]
    [InlineData(0, 5, "000000111111")]
    [InlineData(2, 4, "111101110111")]
    [InlineData(2, 1, "110101010101")]
    [InlineData(3, 4, "111001100110")]
    [InlineData(3, 5, "111100111001")]
    [InlineData(4, 3, "111101111111")]
    [InlineData(6, 4, "111101110111")]
    public void The_output_follows_its_mode_from_the_clock_of_the_write(int mode, byte count, string expected)
    {
        Gate(true);
        StartCounting(mode, count);
        Assert.Equal(expected, Outputs(expected.Length));
    }

    [Theory]
    [InlineData(1, 3, "1000111111")]
    [InlineData(5, 3, "1111011111")]
    public void A_triggered_mode_waits_for_its_gate_to_rise(int mode, byte count, string expected)
    {
        StartCounting(mode, count);
        Assert.Equal("1111111111", Outputs(10));

        Gate(true);
        Assert.Equal(expected, Outputs(expected.Length));
        Gate(false);
        Gate(true);
        Assert.Equal(expected, Outputs(expected.Length));
    }

    [Fact]
    public void The_gate_of_mode_0_stops_the_count_and_lets_it_go_on()
    {
        Gate(true);
        StartCounting(0, 10);
        GoToClock(Written + 4);
        Assert.Equal(7u, LatchLow());
        Gate(false);
        GoToClock(Written + 50);
        Assert.Equal(7u, LatchLow());
        Gate(true);
        GoToClock(Written + 56);
        Assert.Equal(1u, LatchLow());
        Assert.False(Output());
        GoToClock(Written + 57);
        Assert.True(Output());
    }

    [Fact]
    public void The_gate_of_mode_2_sets_the_output_high_and_starts_the_count_anew()
    {
        Gate(true);
        StartCounting(2, 4);
        GoToClock(Written + 4);
        Assert.False(Output());
        Gate(false);
        Assert.True(Output());
        GoToClock(Written + 20);
        Gate(true);
        Assert.Equal("1111011101", Outputs(10));
    }

    [Fact]
    public void Mode_2_takes_a_new_count_at_the_end_of_its_cycle()
    {
        Gate(true);
        StartCounting(2, 6);
        GoToClock(Written + 2);
        _rig.Out(0x42, 3);

        // 6 from 101, so low at 106; then 3 from 107: low at 109, 112.
        Assert.Equal("11110110110", Outputs(11));
    }

    [Fact]
    public void Mode_3_takes_a_new_count_at_the_end_of_its_half()
    {
        Gate(true);
        StartCounting(3, 8);
        GoToClock(Written + 2);
        _rig.Out(0x42, 4);

        // High from 101 to 104; then 4 is in use: low for two clocks, high for two.
        Assert.Equal("1110011001", Outputs(10));
    }

    [Fact]
    public void Mode_3_counts_down_by_two_in_each_half()
    {
        Gate(true);
        StartCounting(3, 7);
        uint[] counts = new uint[8];
        for (int i = 0; i < counts.Length; i++)
        {
            GoToClock(Written + 1 + (ulong)i);
            counts[i] = LatchLow();
        }

        Assert.Equal([6u, 4, 2, 0, 6, 4, 2, 6], counts);
    }

    [Fact]
    public void Mode_0_counts_on_behind_zero()
    {
        Gate(true);
        _rig.Out(0x43, 0xB0);
        GoToClock(Written);
        _rig.Out(0x42, 2);
        _rig.Out(0x42, 0);
        GoToClock(Written + 4);
        Assert.Equal(0xFFFFu, LatchWord());
    }

    [Fact]
    public void A_BCD_count_is_decimal_and_0_means_10000()
    {
        Gate(true);
        _rig.Out(0x43, 0xB5);
        GoToClock(Written);
        _rig.Out(0x42, 0x00);
        _rig.Out(0x42, 0x00);
        GoToClock(Written + 2);
        Assert.Equal(0x9999u, LatchWord());
        GoToClock(Written + 10_000);
        Assert.Equal(0x0001u, LatchWord());
        Assert.False(Output());
    }

    [Fact]
    public void A_latched_count_stays_until_it_is_read_whole()
    {
        Gate(true);
        _rig.Out(0x43, 0xB4);
        GoToClock(Written);
        _rig.Out(0x42, 0x34);
        _rig.Out(0x42, 0x12);
        GoToClock(Written + 1);
        _rig.Out(0x43, 0x80);
        GoToClock(Written + 500);
        _rig.Out(0x43, 0x80);

        Assert.Equal(0x34u, _rig.In(0x42));
        Assert.Equal(0x12u, _rig.In(0x42));
        Assert.Equal((0x1234u - 499) & 0xFF, _rig.In(0x42));
    }

    [Fact]
    public void Read_back_tells_status_before_count_and_whether_the_count_is_in_use()
    {
        Gate(true);
        _rig.Out(0x43, 0xB4);
        _rig.Out(0x43, 0xE8);
        Assert.Equal(0xF4u, _rig.In(0x42));
        GoToClock(Written);
        _rig.Out(0x42, 0x00);
        _rig.Out(0x42, 0x10);
        _rig.Out(0x43, 0xE8);
        Assert.Equal(0xF4u, _rig.In(0x42));
        GoToClock(Written + 1);
        _rig.Out(0x43, 0xC8);

        Assert.Equal(0xB4u, _rig.In(0x42));
        Assert.Equal(0x00u, _rig.In(0x42));
        Assert.Equal(0x10u, _rig.In(0x42));
    }

    [Fact]
    public void The_first_of_two_bytes_stops_mode_0()
    {
        Gate(true);
        _rig.Out(0x43, 0xB0);
        _rig.Out(0x42, 3);
        _rig.Out(0x42, 0);
        GoToClock(Written);
        Assert.True(Output());

        _rig.Out(0x42, 5);
        Assert.False(Output());
        GoToClock(Written + 1000);
        Assert.False(Output());
        _rig.Out(0x42, 0);
        GoToClock(Written + 1006);
        Assert.True(Output());
    }

    [Fact]
    public void The_clock_is_exact_over_a_year()
    {
        const ulong Year = 365 * 86_400;
        Assert.Equal(PitClock.Hertz * Year, PitClock.At(Year * PlatformRig.Second));
        Assert.Equal((PitClock.Hertz * Year) - 1, PitClock.At((Year * PlatformRig.Second) - 1));
        for (ulong clock = 1; clock < 3_000_000_000_000; clock = (clock * 7) + 3)
        {
            Assert.Equal(clock, PitClock.At(PitClock.VmTimeOf(clock)));
            Assert.Equal(clock - 1, PitClock.At(PitClock.VmTimeOf(clock) - 1));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    public void A_thousand_hertz_give_a_thousand_interrupts_a_second_in_one_step_or_in_many(int steps)
    {
        DeviceClock clock = new();
        int rises = 0;
        Pit8254 pit = new(clock, level => rises += level ? 1 : 0);
        IPortDevice ports = pit.Ports[0];
        ports.Write(3, 1, 0x34);
        ports.Write(0, 1, 1193 & 0xFF);
        ports.Write(0, 1, 1193 >> 8);
        rises = 0;

        for (int i = 1; i <= steps; i++)
        {
            clock.VmTime = PlatformRig.Second * (ulong)i / (ulong)steps;
            pit.Advance();
        }

        Assert.Equal(1000, rises);
    }

    [Fact]
    public void The_refresh_bit_of_port_61_toggles_every_18_clocks()
    {
        bool[] bits = new bool[72];
        for (int i = 0; i < bits.Length; i++)
        {
            GoToClock((ulong)i);
            bits[i] = (_rig.In(0x61) & 0x10) != 0;
        }

        Assert.Equal(Enumerable.Range(0, 72).Select(i => i / 18 % 2 == 1), bits);
    }

    private void StartCounting(int mode, byte count)
    {
        _rig.Out(0x43, 0x90u | ((uint)mode << 1));
        GoToClock(Written);
        _rig.Out(0x42, count);
    }

    /// <summary>The output now and at the following clocks.</summary>
    private string Outputs(int clocks)
    {
        ulong first = PitClock.At(_rig.Now);
        char[] levels = new char[clocks];
        for (int i = 0; i < clocks; i++)
        {
            GoToClock(first + (ulong)i);
            levels[i] = Output() ? '1' : '0';
        }

        return new string(levels);
    }

    private void GoToClock(ulong clock) => _rig.GoTo(PitClock.VmTimeOf(clock));

    private void Gate(bool high) => _rig.Out(0x61, high ? 1u : 0);

    private bool Output() => (_rig.In(0x61) & 0x20) != 0;

    private uint LatchLow()
    {
        _rig.Out(0x43, 0x80);
        return _rig.In(0x42);
    }

    private uint LatchWord()
    {
        _rig.Out(0x43, 0x80);
        return _rig.In(0x42) | (_rig.In(0x42) << 8);
    }
}
