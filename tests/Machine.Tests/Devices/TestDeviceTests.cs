// SPDX-License-Identifier: Apache-2.0

using KvmActors.Machine.Devices;
using Xunit;

namespace KvmActors.Machine.Tests.Devices;

/// <summary>What kvm-unit-tests ask of the machine around them: fw_cfg and pc-testdev.</summary>
public sealed class TestDeviceTests
{
    private readonly PlatformRig _rig = new(memoryBytes: 0x1_2345_6000, vcpuCount: 3);

    [Theory]
    [InlineData(0x0000, 4, 0x554D_4551ul)]
    [InlineData(0x0001, 4, 1ul)]
    [InlineData(0x0003, 8, 0x1_2345_6000ul)]
    [InlineData(0x0005, 2, 3ul)]
    [InlineData(0x000F, 2, 3ul)]
    [InlineData(0x0011, 8, 0ul)]
    [InlineData(0x0019, 4, 0ul)]
    [InlineData(0x8002, 4, 1ul)]
    [InlineData(0x4005, 8, 0ul)]
    [InlineData(0xFFFF, 8, 0ul)]
    public void Firmware_configuration_answers_byte_by_byte(ushort key, int bytes, ulong expected)
    {
        _rig.Platform.Bus.Write(0x510, 2, key);
        ulong value = 0;
        for (int i = 0; i < bytes; i++)
        {
            value |= (ulong)_rig.In(0x511) << (8 * i);
        }

        Assert.Equal(expected, value);
        Assert.Equal(0u, expected > uint.MaxValue ? _rig.In(0x511) : 0);
    }

    [Fact]
    public void An_item_that_is_chosen_again_begins_anew()
    {
        for (int i = 0; i < 2; i++)
        {
            _rig.Platform.Bus.Write(0x510, 2, 0);
            Assert.Equal((uint)'Q', _rig.In(0x511));
        }
    }

    [Fact]
    public void Port_E0_reads_back_any_part_of_what_was_written()
    {
        _rig.Platform.Bus.Write(0xE0, 4, 0x1234_5678);
        Assert.Equal(0x1234_5678u, _rig.Platform.Bus.Read(0xE0, 4));
        Assert.Equal(0x3456u, _rig.Platform.Bus.Read(0xE1, 2));
        _rig.Out(0xE3, 0xAB);
        Assert.Equal(0xAB34u, _rig.Platform.Bus.Read(0xE2, 2));
        _rig.Platform.Bus.Write(0xE0, 2, 0xBEEF);
        Assert.Equal(0xAB34_BEEFu, _rig.Platform.Bus.Read(0xE0, 4));
    }

    [Fact]
    public void Port_E8_is_the_same_register_in_bytes()
    {
        _rig.Platform.Bus.Write(0xE8, 4, 0x1234_5678);
        Assert.Equal(0x1234_5678u, _rig.Platform.Bus.Read(0xE0, 4));
        Assert.Equal(0x1234_5678u, _rig.Platform.Bus.Read(0xE8, 4));
    }

    [Fact]
    public void A_page_flush_is_taken_and_does_nothing()
    {
        PlatformState before = _rig.Platform.Save();
        _rig.Platform.Bus.Write(0xE4, 4, 0x1000);
        Assert.Equal(PlatformPropertyTests.Text(before), PlatformPropertyTests.Text(_rig.Platform.Save()));
    }

    [Fact]
    public void Device_memory_keeps_every_width_at_every_offset_and_survives_a_restore()
    {
        foreach (int size in new[] { 1, 2, 4, 8 })
        {
            ulong gpa = TestDevice.FirstGpa + (ulong)(size * 0x101);
            _rig.Platform.WriteMmio(gpa, size, 0x8877_6655_4433_2211);
        }

        _rig.Platform.WriteMmio(TestDevice.FirstGpa + 0xFFFF, 1, 0x5A);
        PlatformRig other = new();
        other.Platform.Restore(_rig.Platform.Save());

        Assert.Equal(0x11ul, other.Platform.ReadMmio(TestDevice.FirstGpa + 0x101, 2));
        Assert.Equal(0x2211ul, other.Platform.ReadMmio(TestDevice.FirstGpa + 0x202, 4));
        Assert.Equal(0x8877_6655_4433_2211ul, other.Platform.ReadMmio(TestDevice.FirstGpa + 0x808, 8));
        Assert.Equal(0x5Aul, other.Platform.ReadMmio(TestDevice.FirstGpa + 0xFFFF, 8));
    }
}
