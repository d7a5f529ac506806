// SPDX-License-Identifier: Apache-2.0

using Xunit;

namespace KvmActors.Machine.Tests.Devices;

/// <summary>What the MC146818A data sheet says.</summary>
public sealed class Rtc146818Tests
{
    private const byte A = 0x0A;
    private const byte B = 0x0B;
    private const byte C = 0x0C;

    private static readonly int[] s_alarmLimits = [60, 60, 24];

    private readonly PlatformRig _rig = new();

    [Fact]
    public void A_new_clock_shows_the_start_time_in_BCD_and_24_hours()
    {
        Assert.Equal([0x00, 0x00, 0x00, 0x05, 0x01, 0x01, 0x26, 0x20], Time());
        Assert.Equal(0x26, _rig.RtcRead(A));
        Assert.Equal(0x02, _rig.RtcRead(B));
        Assert.Equal(0x80, _rig.RtcRead(0x0D));
    }

    [Fact]
    public void Time_goes_by_with_VM_time_over_days_and_months()
    {
        _rig.GoTo(((59 * 86_400) + (13 * 3600) + (5 * 60) + 59) * PlatformRig.Second);
        Assert.Equal([0x59, 0x05, 0x13, 0x01, 0x01, 0x03, 0x26, 0x20], Time());
        _rig.Pass(PlatformRig.Second);
        Assert.Equal(0x06, _rig.RtcRead(2));
    }

    [Theory]
    [InlineData(0, 0x02, 0x00)]
    [InlineData(0, 0x00, 0x12)]
    [InlineData(11, 0x00, 0x11)]
    [InlineData(12, 0x00, 0x92)]
    [InlineData(23, 0x00, 0x91)]
    [InlineData(23, 0x04, 0x8B)]
    [InlineData(23, 0x06, 0x17)]
    public void The_hour_is_shown_in_the_format_of_register_B(int hour, byte format, byte expected)
    {
        _rig.GoTo((ulong)hour * 3600 * PlatformRig.Second);
        _rig.RtcWrite(B, format);
        Assert.Equal(expected, _rig.RtcRead(4));
        Assert.Equal(format, _rig.RtcRead(B));
    }

    [Theory]
    [InlineData(0x02, new byte[] { 0x59, 0x59, 0x23, 0x06, 0x31, 0x12, 0x99, 0x19 }, "2000-01-01", 0x07)]
    [InlineData(0x02, new byte[] { 0x59, 0x59, 0x23, 0x02, 0x28, 0x02, 0x24, 0x20 }, "2024-02-29", 0x03)]
    [InlineData(0x04, new byte[] { 59, 59, 0x8B, 7, 28, 2, 23, 0x20 }, "2023-03-01", 0x01)]
    public void A_time_that_is_set_goes_on_from_there(byte format, byte[] time, string nextDay, byte nextWeekday)
    {
        _rig.RtcWrite(B, (byte)(format | 0x80));
        byte[] registers = [0, 2, 4, 6, 7, 8, 9, 0x32];
        for (int i = 0; i < registers.Length; i++)
        {
            _rig.RtcWrite(registers[i], time[i]);
        }

        _rig.Pass(10 * PlatformRig.Second);
        Assert.Equal(time, Time());
        _rig.RtcWrite(B, format);
        _rig.Pass(PlatformRig.Second);
        _rig.RtcWrite(B, 0x02);

        byte[] shown = Time();
        Assert.Equal([0, 0, 0], shown[..3]);
        Assert.Equal(nextWeekday, shown[3]);
        Assert.Equal(nextDay, $"{shown[7]:x2}{shown[6]:x2}-{shown[5]:x2}-{shown[4]:x2}");
    }

    [Fact]
    public void One_register_that_is_written_leaves_the_others_and_the_phase_of_the_second()
    {
        _rig.GoTo(PlatformRig.Second * 3 / 2);
        _rig.RtcWrite(2, 0x30);
        Assert.Equal([0x01, 0x30, 0x00], Time()[..3]);
        _rig.Pass((PlatformRig.Second / 2) - 1);
        Assert.Equal(0x01, _rig.RtcRead(0));
        _rig.Pass(1);
        Assert.Equal(0x02, _rig.RtcRead(0));
    }

    [Fact]
    public void Update_in_progress_warns_244_microseconds_before_the_second_ends()
    {
        _rig.GoTo(PlatformRig.Second - 244_141);
        Assert.Equal(0x26, _rig.RtcRead(A));
        _rig.GoTo(PlatformRig.Second - 244_140);
        Assert.Equal(0xA6, _rig.RtcRead(A));
        _rig.GoTo(PlatformRig.Second - 1);
        Assert.Equal(0xA6, _rig.RtcRead(A));
        _rig.GoTo(PlatformRig.Second);
        Assert.Equal(0x26, _rig.RtcRead(A));

        _rig.RtcWrite(B, 0x82);
        _rig.GoTo((2 * PlatformRig.Second) - 1);
        Assert.Equal(0x26, _rig.RtcRead(A));
    }

    [Theory]
    [InlineData(1, 256)]
    [InlineData(2, 128)]
    [InlineData(3, 8192)]
    [InlineData(6, 1024)]
    [InlineData(15, 2)]
    public void The_periodic_interrupt_comes_at_the_rate_of_register_A(byte rate, int expected)
    {
        _rig.InitializePics();
        _rig.RtcWrite(A, (byte)(0x20 | rate));
        _rig.RtcWrite(B, 0x42);
        int interrupts = 0;
        while (_rig.Platform.NextDeadline is { } deadline && deadline <= PlatformRig.Second)
        {
            _rig.GoTo(deadline);
            Assert.Equal(0x28, _rig.Platform.AcknowledgeExternalInterrupt());
            Assert.Equal(0xC0, _rig.RtcRead(C) & 0xC0);
            _rig.Out(0xA0, 0x20);
            _rig.Out(0x20, 0x20);
            interrupts++;
        }

        Assert.Equal(expected, interrupts);
    }

    [Fact]
    public void Without_a_rate_there_is_no_periodic_interrupt()
    {
        _rig.RtcWrite(A, 0x20);
        _rig.RtcWrite(B, 0x42);
        Assert.Null(_rig.Platform.NextDeadline);
    }

    [Theory]
    [InlineData(0x10, 0x05, 0x01, 3910)]
    [InlineData(0x10, 0xFF, 0xFF, 10)]
    [InlineData(0xC0, 0x02, 0xFF, 120)]
    [InlineData(0x00, 0x00, 0x00, 86_400)]
    [InlineData(0x30, 0x00, 0xC5, 30)]
    public void The_alarm_comes_at_the_next_time_that_matches(byte second, byte minute, byte hour, ulong expected)
    {
        _rig.RtcWrite(1, second);
        _rig.RtcWrite(3, minute);
        _rig.RtcWrite(5, hour);
        _rig.RtcWrite(B, 0x22);

        Assert.Equal(expected * PlatformRig.Second, _rig.Platform.NextDeadline);
        _rig.GoTo(expected * PlatformRig.Second);
        Assert.Equal(0xA0, _rig.RtcRead(C) & 0xA0);
    }

    [Fact]
    public void Every_alarm_comes_when_a_search_second_by_second_says()
    {
        int seed = Random.Shared.Next();
        Random random = new(seed);
        for (int round = 0; round < 200; round++)
        {
            PlatformRig rig = new();
            byte[] alarm = [.. s_alarmLimits.Select(limit =>
                random.Next(3) == 0 ? (byte)0xC0 : Bcd(random.Next(limit)))];
            rig.GoTo((ulong)random.Next(86_400) * PlatformRig.Second);
            ulong start = rig.Now / PlatformRig.Second;
            for (int i = 0; i < alarm.Length; i++)
            {
                rig.RtcWrite((byte)((2 * i) + 1), alarm[i]);
            }

            rig.RtcWrite(B, 0x22);

            ulong expected = start + 1;
            while (!Matches(alarm[0], expected % 60)
                || !Matches(alarm[1], expected / 60 % 60)
                || !Matches(alarm[2], expected / 3600 % 24))
            {
                expected++;
            }

            Assert.True(
                expected * PlatformRig.Second == rig.Platform.NextDeadline,
                $"seed {seed}, alarm {Convert.ToHexString(alarm)} from {start}: expected {expected}.");
        }
    }

    [Fact]
    public void An_alarm_that_is_no_time_never_comes()
    {
        _rig.RtcWrite(1, 0x7A);
        _rig.RtcWrite(B, 0x22);
        Assert.Null(_rig.Platform.NextDeadline);
    }

    [Fact]
    public void Flags_are_set_without_their_interrupts_and_cleared_by_reading()
    {
        _ = _rig.RtcRead(C);
        _rig.GoTo(PlatformRig.Second);
        Assert.Equal(0x50, _rig.RtcRead(C) & 0xD0);
        Assert.Equal(0x00, _rig.RtcRead(C));
    }

    [Fact]
    public void The_line_stays_high_until_register_C_is_read()
    {
        _rig.InitializePics();
        _rig.RtcWrite(B, 0x12);
        _rig.GoTo(3 * PlatformRig.Second);
        Assert.Null(_rig.Platform.NextDeadline);
        Assert.Equal(0x90, _rig.RtcRead(C) & 0x90);
        Assert.False(_rig.Platform.HasExternalInterrupt);
        Assert.Equal(4 * PlatformRig.Second, _rig.Platform.NextDeadline);
    }

    [Fact]
    public void SET_takes_the_update_ended_enable_away()
    {
        _rig.RtcWrite(B, 0x92);
        Assert.Equal(0x82, _rig.RtcRead(B));
    }

    [Fact]
    public void A_divider_that_leaves_reset_updates_half_a_second_later()
    {
        _rig.GoTo(PlatformRig.Second / 10);
        _rig.RtcWrite(A, 0x70);
        _rig.Pass(5 * PlatformRig.Second);
        Assert.Equal(0x00, _rig.RtcRead(0));
        _rig.RtcWrite(A, 0x26);
        _rig.Pass((PlatformRig.Second / 2) - 1);
        Assert.Equal(0x00, _rig.RtcRead(0));
        _rig.Pass(1);
        Assert.Equal(0x01, _rig.RtcRead(0));
    }

    [Fact]
    public void CMOS_RAM_keeps_bytes_and_begins_with_the_size_of_memory()
    {
        _rig.RtcWrite(0x40, 0x5A);
        Assert.Equal(0x5A, _rig.RtcRead(0x40));
        Assert.Equal(640, _rig.RtcRead(0x15) | (_rig.RtcRead(0x16) << 8));
        Assert.Equal(0xFFFF, _rig.RtcRead(0x17) | (_rig.RtcRead(0x18) << 8));
        Assert.Equal(240 * 16, _rig.RtcRead(0x34) | (_rig.RtcRead(0x35) << 8));
        Assert.Equal(1, _rig.RtcRead(0x5F));
    }

    [Fact]
    public void Registers_C_and_D_cannot_be_written()
    {
        _rig.RtcWrite(C, 0xFF);
        _rig.RtcWrite(0x0D, 0x00);
        Assert.Equal(0x00, _rig.RtcRead(C));
        Assert.Equal(0x80, _rig.RtcRead(0x0D));
    }

    private static byte Bcd(int value) => (byte)(((value / 10) << 4) | (value % 10));

    private static bool Matches(byte alarm, ulong value) => alarm >= 0xC0 || alarm == Bcd((int)value);

    private byte[] Time() => [.. new byte[] { 0, 2, 4, 6, 7, 8, 9, 0x32 }.Select(_rig.RtcRead)];
}
