// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Apic;
using KvmActors.Machine.Devices;
using Xunit;

namespace KvmActors.Machine.Tests.Devices;

/// <summary>What the 82093AA data sheet says, and where KVM's differs, what KVM does.</summary>
public sealed class IoApicTests
{
    private const byte Entry = 0x10 + (2 * 14);
    private const uint RemoteIrr = 1 << 14;
    private const uint Level = 1 << 15;
    private const uint Masked = 1 << 16;

    private readonly PlatformRig _rig = new();

    [Fact]
    public void Version_11h_with_24_entries_cannot_be_written()
    {
        _rig.IoApicWrite(1, 0);
        Assert.Equal(0x0017_0011u, _rig.IoApicRead(1));
    }

    [Fact]
    public void Only_bits_27_to_24_of_the_ID_can_be_written_and_arbitration_follows()
    {
        _rig.IoApicWrite(0, 0xFFFF_FFFF);
        Assert.Equal(0x0F00_0000u, _rig.IoApicRead(0));
        _rig.IoApicWrite(2, 0);
        Assert.Equal(0x0F00_0000u, _rig.IoApicRead(2));
    }

    [Fact]
    public void Every_entry_begins_masked()
    {
        for (byte pin = 0; pin < IoApic.PinCount; pin++)
        {
            Assert.Equal(Masked, _rig.IoApicRead((byte)(0x10 + (2 * pin))));
            Assert.Equal(0u, _rig.IoApicRead((byte)(0x11 + (2 * pin))));
        }
    }

    [Fact]
    public void An_entry_keeps_what_can_be_written_and_registers_behind_the_table_read_0()
    {
        _rig.IoApicWrite(Entry, 0xFFFF_FFFF);
        _rig.IoApicWrite(Entry + 1, 0xFFFF_FFFF);
        Assert.Equal(0x0001_AFFFu, _rig.IoApicRead(Entry));
        Assert.Equal(0xFF00_0000u, _rig.IoApicRead(Entry + 1));
        Assert.Equal(0u, _rig.IoApicRead(0x40));
        Assert.Equal(0u, _rig.IoApicRead(0x03));
    }

    [Fact]
    public void A_rising_edge_is_one_message_to_the_entry_s_destination()
    {
        _rig.IoApicWrite(Entry + 1, 0x0D00_0000);
        _rig.IoApicWrite(Entry, 0x0976);
        Raise();
        Raise();
        Lower();

        Assert.Equal(
            new InterruptMessage(
                0x76,
                DeliveryMode.LowestPriority,
                IsLogical: true,
                Destination: 0x0D,
                DestinationShorthand.None,
                IsLevel: false,
                IsAsserted: true,
                IsWide: false),
            Assert.Single(_rig.Messages));
        Raise();
        Assert.Equal(2, _rig.Messages.Count);
    }

    [Fact]
    public void A_masked_edge_is_lost()
    {
        _rig.IoApicWrite(Entry, Masked | 0x81);
        Raise();
        _rig.IoApicWrite(Entry, 0x81);
        Assert.Empty(_rig.Messages);
    }

    [Fact]
    public void A_level_is_sent_once_until_its_end_and_again_if_it_is_still_high()
    {
        _rig.IoApicWrite(Entry, Level | 0x77);
        Raise();
        Assert.True(Assert.Single(_rig.Messages).IsLevel);
        Assert.Equal(Level | RemoteIrr | 0x77, _rig.IoApicRead(Entry));

        _rig.Platform.EndOfInterrupt(0x76);
        Assert.Single(_rig.Messages);
        _rig.Platform.EndOfInterrupt(0x77);
        Assert.Equal(2, _rig.Messages.Count);

        Lower();
        _rig.Platform.EndOfInterrupt(0x77);
        Assert.Equal(2, _rig.Messages.Count);
        Assert.Equal(Level | 0x77, _rig.IoApicRead(Entry));
    }

    [Fact]
    public void A_masked_level_is_sent_when_it_is_unmasked()
    {
        _rig.IoApicWrite(Entry, Level | Masked | 0x82);
        Raise();
        Assert.Empty(_rig.Messages);
        _rig.IoApicWrite(Entry, Level | 0x82);
        Assert.Single(_rig.Messages);
    }

    [Fact]
    public void A_level_that_is_masked_in_its_service_is_sent_again_when_unmasked_behind_its_end()
    {
        _rig.IoApicWrite(Entry, Level | 0x83);
        Raise();
        _rig.IoApicWrite(Entry, Level | Masked | 0x83);
        _rig.Platform.EndOfInterrupt(0x83);
        Assert.Single(_rig.Messages);
        _rig.IoApicWrite(Entry, Level | 0x83);
        Assert.Equal(2, _rig.Messages.Count);
    }

    [Fact]
    public void A_new_destination_keeps_remote_IRR_until_the_end()
    {
        _rig.IoApicWrite(Entry, Level | 0x84);
        Raise();
        Lower();
        _rig.IoApicWrite(Entry + 1, 0x0100_0000);
        Assert.Equal(RemoteIrr, _rig.IoApicRead(Entry) & RemoteIrr);
        _rig.Platform.EndOfInterrupt(0x84);
        Assert.Equal(0u, _rig.IoApicRead(Entry) & RemoteIrr);
        Assert.Single(_rig.Messages);
    }

    [Fact]
    public void An_entry_written_as_edge_loses_its_remote_IRR()
    {
        _rig.IoApicWrite(Entry, Level | 0x85);
        Raise();
        _rig.IoApicWrite(Entry, Masked | 0x85);
        _rig.IoApicWrite(Entry, Level | 0x85);
        Assert.Equal(2, _rig.Messages.Count);
    }

    [Theory]
    [InlineData(2, DeliveryMode.SystemManagement)]
    [InlineData(4, DeliveryMode.NonMaskable)]
    [InlineData(5, DeliveryMode.Init)]
    [InlineData(7, DeliveryMode.External)]
    public void What_is_no_vectored_interrupt_is_an_edge_even_if_written_as_level(int code, DeliveryMode expected)
    {
        _rig.IoApicWrite(Entry, Level | ((uint)code << 8));
        Raise();
        InterruptMessage sent = Assert.Single(_rig.Messages);
        Assert.Equal(expected, sent.Mode);
        Assert.False(sent.IsLevel);
        Assert.Equal(0u, _rig.IoApicRead(Entry) & RemoteIrr);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(6)]
    public void A_reserved_delivery_mode_sends_nothing(int code)
    {
        _rig.IoApicWrite(Entry, ((uint)code << 8) | 0x86);
        Raise();
        Assert.Empty(_rig.Messages);
    }

    private void Raise() => _rig.Line(14, level: true);

    private void Lower() => _rig.Line(14, level: false);
}
