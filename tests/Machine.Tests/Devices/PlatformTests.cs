// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Apic;
using KvmActors.Machine.Devices;
using Xunit;

namespace KvmActors.Machine.Tests.Devices;

/// <summary>How the devices of the PC are wired together.</summary>
public sealed class PlatformTests
{
    private readonly PlatformRig _rig = new();

    [Fact]
    public void A_new_platform_asks_for_nothing_and_never_will()
    {
        Assert.Null(_rig.Platform.NextDeadline);
        Assert.False(_rig.Platform.HasExternalInterrupt);
        Assert.False(_rig.Platform.ResetRequested);
        Assert.False(_rig.Platform.PowerOffRequested);
    }

    [Fact]
    public void The_timer_reaches_IRQ0_of_the_8259_and_pin_2_of_the_IO_APIC()
    {
        _rig.InitializePics();
        _rig.IoApicWrite(0x14, 0x30);
        _rig.Out(0x43, 0x34);
        _rig.Out(0x40, 0xA9);
        _rig.Out(0x40, 0x04);
        _ = _rig.Platform.AcknowledgeExternalInterrupt();
        _rig.Out(0x20, 0x20);
        _rig.Messages.Clear();

        // 1193 clocks and the one that takes the count over.
        _rig.GoTo(PitClock.VmTimeOf(1194) - 1);
        Assert.False(_rig.Platform.HasExternalInterrupt);
        _rig.GoTo(PitClock.VmTimeOf(1194));

        Assert.True(_rig.Platform.HasExternalInterrupt);
        Assert.Equal(0x20, _rig.Platform.AcknowledgeExternalInterrupt());
        InterruptMessage sent = Assert.Single(_rig.Messages);
        Assert.Equal(0x30, sent.Vector);
        Assert.False(sent.IsLevel);
    }

    [Fact]
    public void The_serial_port_reaches_IRQ4_and_the_clock_IRQ8()
    {
        _rig.InitializePics();
        _rig.Out(0x3FC, 0x08);
        _rig.Out(0x3F9, 0x01);
        _rig.Platform.Serial.Inject("x"u8);
        Assert.Equal(0x24, _rig.Platform.AcknowledgeExternalInterrupt());

        _rig.Out(0x20, 0x20);
        _rig.RtcWrite(0x0B, 0x12);
        _rig.Pass(PlatformRig.Second);
        Assert.Equal(0x28, _rig.Platform.AcknowledgeExternalInterrupt());
    }

    [Fact]
    public void The_8259_pair_reaches_pin_0_of_the_IO_APIC_as_an_external_interrupt()
    {
        _rig.InitializePics();
        _rig.IoApicWrite(0x10, 0x700);
        _rig.Line(5, level: true);

        InterruptMessage sent = Assert.Single(_rig.Messages);
        Assert.Equal(DeliveryMode.External, sent.Mode);
        Assert.Equal(0x25, _rig.Platform.AcknowledgeExternalInterrupt());
    }

    [Fact]
    public void Lines_16_to_23_reach_the_IO_APIC_alone_and_line_2_nothing()
    {
        _rig.InitializePics();
        for (byte pin = 0; pin < IoApic.PinCount; pin++)
        {
            _rig.IoApicWrite((byte)(0x10 + (2 * pin)), 0x40u + pin);
        }

        _rig.Line(16, level: true);
        _rig.Line(23, level: true);
        _rig.Line(2, level: true);

        Assert.Equal([0x50, 0x57], _rig.Messages.Select(sent => (int)sent.Vector));
        Assert.False(_rig.Platform.HasExternalInterrupt);
    }

    [Fact]
    public void A_line_is_high_while_anybody_holds_it()
    {
        _rig.InitializePics();
        _rig.Out(0x3FC, 0x08);
        _rig.Out(0x3F9, 0x02);
        _rig.Line(4, level: true);
        _rig.Line(4, level: false);
        Assert.True(_rig.Platform.HasExternalInterrupt);

        _ = _rig.In(0x3FA);
        Assert.False(_rig.Platform.HasExternalInterrupt);
    }

    [Theory]
    [InlineData(0x1000_0000, 1, 0xFFul)]
    [InlineData(0xFEC0_1000, 4, 0xFFFF_FFFFul)]
    [InlineData(0xFF01_0000, 8, ulong.MaxValue)]
    public void Memory_that_nobody_owns_reads_ones_and_swallows_writes(ulong gpa, int size, ulong expected)
    {
        _rig.Platform.WriteMmio(gpa, size, 0);
        Assert.Equal(expected, _rig.Platform.ReadMmio(gpa, size));
    }

    [Fact]
    public void The_delay_port_swallows_writes() => Assert.Equal(0xFFu, Written(0x80));

    [Fact]
    public void A_reset_keeps_time_CMOS_and_waiting_input_and_nothing_else()
    {
        _rig.InitializePics();
        _rig.RtcWrite(0x0F, 0x0A);
        _rig.RtcWrite(0x0B, 0x72);
        _rig.Out(0x43, 0x34);
        _rig.Out(0x40, 0);
        _rig.Out(0x40, 1);
        _rig.Platform.Serial.Inject("hi"u8);
        _rig.Pass(5 * PlatformRig.Second);
        _rig.Out(0x64, 0xFE);
        Assert.True(_rig.Platform.ResetRequested);

        _rig.Platform.Reset();

        Assert.False(_rig.Platform.ResetRequested);
        Assert.False(_rig.Platform.HasExternalInterrupt);
        Assert.Null(_rig.Platform.NextDeadline);
        Assert.Equal(0x0A, _rig.RtcRead(0x0F));
        Assert.Equal(0x02, _rig.RtcRead(0x0B));
        Assert.Equal(0x05, _rig.RtcRead(0x00));
        Assert.Equal((uint)'h', _rig.In(0x3F8));
    }

    private uint Written(ushort port)
    {
        _rig.Out(port, 0x12);
        return _rig.In(port);
    }
}
