// SPDX-License-Identifier: Apache-2.0

using System.Buffers;
using KvmActors.Machine.Devices;
using Xunit;

namespace KvmActors.Machine.Tests.Devices;

/// <summary>The interrupt line of the 16550, as the PC16550D data sheet and a PC's OUT2 gate have it, and what Linux's
/// 8250 driver asks before it believes in one.</summary>
public sealed class SerialInterruptTests
{
    private const int Data = 0;
    private const int Enable = 1;
    private const int Identification = 2;
    private const int LineControl = 3;
    private const int ModemControl = 4;
    private const int LineStatus = 5;
    private const int ModemStatus = 6;

    private readonly List<bool> _levels = [];
    private readonly Serial16550 _serial;

    public SerialInterruptTests()
    {
        _serial = new Serial16550(new ArrayBufferWriter<byte>(), _levels.Add);
        Write(ModemControl, 0x0B);
    }

    [Fact]
    public void Input_raises_the_line_until_the_last_byte_is_read()
    {
        Write(Enable, 0x01);
        _serial.Inject("ab"u8);
        _ = Read(Data);
        Assert.Equal([true], _levels);
        _ = Read(Data);
        Assert.Equal([true, false], _levels);
    }

    [Fact]
    public void Only_OUT2_lets_an_interrupt_through_and_loopback_holds_it_back()
    {
        Write(ModemControl, 0x03);
        Write(Enable, 0x01);
        _serial.Inject("a"u8);
        Assert.Empty(_levels);
        Assert.Equal(0x04u, Read(Identification));

        Write(ModemControl, 0x0B);
        Write(ModemControl, 0x1B);
        Assert.Equal([true, false], _levels);
    }

    [Fact]
    public void The_empty_transmitter_raises_the_line_when_enabled_and_reading_IIR_lowers_it()
    {
        Write(Enable, 0x02);
        Assert.Equal(0x02u, Read(Identification));
        Assert.Equal(0x01u, Read(Identification));
        Assert.Equal([true, false], _levels);

        Write(Enable, 0x00);
        Write(Enable, 0x02);
        Assert.Equal([true, false, true], _levels);
    }

    [Fact]
    public void Each_byte_sent_is_an_edge_of_its_own()
    {
        Write(Enable, 0x02);
        Write(Data, 1);
        Write(Data, 2);
        Assert.Equal([true, false, true, false, true], _levels);
    }

    [Theory]
    [InlineData(0x01, 1)]
    [InlineData(0x41, 4)]
    [InlineData(0x81, 8)]
    [InlineData(0xC1, 14)]
    public void Input_below_the_trigger_level_is_a_character_timeout(byte control, int trigger)
    {
        Write(Identification, control);
        Write(Enable, 0x01);
        for (int count = 1; count <= 16; count++)
        {
            _serial.Inject("x"u8);
            Assert.Equal(count < trigger ? 0xCCu : 0xC4u, Read(Identification));
        }

        Assert.Equal([true], _levels);
    }

    [Fact]
    public void Line_status_comes_before_data_before_transmitter_before_modem()
    {
        // In loopback: an overrun, a byte, an empty transmitter and a changed input at once.
        Write(ModemControl, 0x10);
        Write(Data, 1);
        Write(Data, 2);
        Write(Enable, 0x0F);
        Assert.Equal(0x06u, Read(Identification));
        _ = Read(LineStatus);
        Assert.Equal(0x04u, Read(Identification));
        _ = Read(Data);
        Assert.Equal(0x02u, Read(Identification));
        Assert.Equal(0x00u, Read(Identification));
        _ = Read(ModemStatus);
        Assert.Equal(0x01u, Read(Identification));
    }

    [Fact]
    public void Modem_status_tells_once_what_has_changed_and_a_ring_only_as_it_ends()
    {
        Write(ModemControl, 0x1F);
        _ = Read(ModemStatus);
        Write(ModemControl, 0x10);
        Assert.Equal(0x0Fu, Read(ModemStatus));
        Assert.Equal(0x00u, Read(ModemStatus));
        Write(ModemControl, 0x14);
        Assert.Equal(0x40u, Read(ModemStatus));
    }

    [Fact]
    public void Linux_finds_a_16550A_without_EFR_and_without_other_makers_registers()
    {
        Write(Enable, 0x00);
        Assert.Equal(0x00u, Read(Enable));
        Write(Enable, 0xFF);
        Assert.Equal(0x0Fu, Read(Enable));
        Write(Enable, 0x00);
        Write(ModemControl, 0x1A);
        Assert.Equal(0x90u, Read(ModemStatus) & 0xF0);
        Write(ModemControl, 0x0B);
        Write(LineControl, 0xBF);
        Write(Identification, 0x01);
        Write(LineControl, 0x80);
        Assert.Equal(3u, Read(Identification) >> 6);
        Write(LineControl, 0xBF);
        Assert.NotEqual(0u, Read(Identification));
        Write(Identification, 0x21);
        Assert.Equal(6u, Read(Identification) >> 5);
    }

    [Fact]
    public void A_restored_port_holds_its_line_as_the_saved_one_and_tells_nobody()
    {
        Write(Enable, 0x0B);
        _serial.Inject("xy"u8);
        List<bool> levels = [];
        Serial16550 restored = new(new ArrayBufferWriter<byte>(), levels.Add);

        restored.Restore(_serial.Save());

        Assert.Empty(levels);
        restored.Write(Enable, 1, 0);
        Assert.Equal([false], levels);
    }

    private uint Read(int register) => _serial.Read(register, sizeBytes: 1);

    private void Write(int register, byte value) => _serial.Write(register, sizeBytes: 1, value);
}
