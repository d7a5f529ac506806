// SPDX-License-Identifier: Apache-2.0

using Xunit;

namespace KvmActors.Machine.Tests.Devices;

/// <summary>The ways to reset and to power off, and an 8042 with nothing attached.</summary>
public sealed class PowerAndKeyboardTests
{
    private readonly PlatformRig _rig = new();

    private bool Resets => _rig.Platform.ResetRequested;

    [Fact]
    public void Port_92_resets_as_bit_0_rises_and_says_that_A20_is_on()
    {
        Assert.Equal(0x02u, _rig.In(0x92));
        _rig.Out(0x92, 0x00);
        Assert.False(Resets);
        _rig.Out(0x92, 0x01);
        Assert.True(Resets);
        Assert.Equal(0x03u, _rig.In(0x92));
    }

    [Fact]
    public void Port_CF9_resets_by_bit_2_alone()
    {
        _rig.Out(0xCF9, 0x02);
        Assert.False(Resets);
        Assert.Equal(0x02u, _rig.In(0xCF9));
        _rig.Out(0xCF9, 0x06);
        Assert.True(Resets);
    }

    [Fact]
    public void A_PCI_configuration_address_finds_no_PCI_and_resets_nothing()
    {
        _rig.Platform.Bus.Write(0xCF8, 4, 0x8000_0400);
        Assert.False(Resets);
        Assert.Equal(0xFFFF_FFFFu, _rig.Platform.Bus.Read(0xCF8, 4));
        Assert.Equal(0xFFFF_FFFFu, _rig.Platform.Bus.Read(0xCFC, 4));
        Assert.Equal(0xFFu, _rig.In(0xCFB));
    }

    [Theory]
    [InlineData(2, 0x2000u, true)]
    [InlineData(2, 0x2400u, false)]
    [InlineData(2, 0x0000u, false)]
    [InlineData(4, 0x0000_2001u, true)]
    public void Sleep_enable_with_type_0_powers_off(int size, uint value, bool expected)
    {
        _rig.Platform.Bus.Write(0x604, size, value);
        Assert.Equal(expected, _rig.Platform.PowerOffRequested);
    }

    [Theory]
    [InlineData("Shutdown", true)]
    [InlineData("Shutdow", false)]
    [InlineData("ShutShutdown", true)]
    [InlineData("SShutdown", true)]
    [InlineData("Shutdwon", false)]
    public void The_word_Shutdown_powers_off(string word, bool expected)
    {
        foreach (char letter in word)
        {
            _rig.Out(0x8900, letter);
        }

        Assert.Equal(expected, _rig.Platform.PowerOffRequested);
    }

    [Theory]
    [InlineData(0xAA, 0x55u)]
    [InlineData(0xAB, 0x00u)]
    [InlineData(0xA9, 0x01u)]
    [InlineData(0xD0, 0x03u)]
    public void The_8042_answers_for_itself(byte command, uint expected)
    {
        _rig.Out(0x64, command);
        Assert.Equal(0x1Du, _rig.In(0x64));
        Assert.Equal(expected, _rig.In(0x60));
        Assert.Equal(0x1Cu, _rig.In(0x64));
    }

    [Fact]
    public void The_command_byte_is_what_was_written()
    {
        _rig.Out(0x64, 0x60);
        _rig.Out(0x60, 0x65);
        _rig.Out(0x64, 0x20);
        Assert.Equal(0x65u, _rig.In(0x60));
    }

    [Fact]
    public void A_keyboard_that_is_not_there_never_answers()
    {
        _rig.Out(0x60, 0xF2);
        _rig.Out(0x64, 0xD4);
        _rig.Out(0x60, 0xFF);
        Assert.Equal(0x14u, _rig.In(0x64));
    }

    [Theory]
    [InlineData(0xFE, true)]
    [InlineData(0xF0, true)]
    [InlineData(0xFF, false)]
    [InlineData(0xFD, false)]
    public void A_pulse_of_output_0_resets(byte command, bool expected)
    {
        _rig.Out(0x64, command);
        Assert.Equal(expected, Resets);
    }

    [Theory]
    [InlineData(0x02, true)]
    [InlineData(0x03, false)]
    public void An_output_port_with_bit_0_clear_resets(byte value, bool expected)
    {
        _rig.Out(0x64, 0xD1);
        _rig.Out(0x60, value);
        Assert.Equal(expected, Resets);
    }
}
