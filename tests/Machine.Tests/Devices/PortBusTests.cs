// SPDX-License-Identifier: Apache-2.0

using System.Buffers;
using KvmActors.Machine.Devices;
using Xunit;

namespace KvmActors.Machine.Tests.Devices;

public sealed class PortBusTests
{
    private readonly ArrayBufferWriter<byte> _console = new();
    private readonly DebugExitPort _debugExit = new();
    private readonly PortBus _bus;

    public PortBusTests() => _bus = new PortBus([new Serial16550(_console), _debugExit]);

    [Theory]
    [InlineData(0x0000, 1, 0xFFu)]
    [InlineData(0x0CF8, 4, 0xFFFF_FFFFu)]
    [InlineData(0xFFFF, 2, 0xFFFFu)]
    [InlineData(0xFFFD, 4, 0xFFFF_FFFFu)]
    public void A_port_nobody_owns_reads_all_ones_and_swallows_writes(int port, int sizeBytes, uint expected)
    {
        _bus.Write((ushort)port, sizeBytes, 0);
        Assert.Equal(expected, _bus.Read((ushort)port, sizeBytes));
    }

    [Fact]
    public void A_wide_access_to_the_serial_port_is_cut_into_bytes_on_consecutive_ports()
    {
        // LSR, MSR, scratch, and behind the range nothing.
        _bus.Write(0x3FF, sizeBytes: 1, 0x12);

        Assert.Equal(0x12B0u << 8 | 0x60u | 0xFF00_0000u, _bus.Read(0x3FD, sizeBytes: 4));
    }

    [Fact]
    public void A_wide_write_at_the_end_of_a_range_reaches_only_the_ports_inside_it()
    {
        _bus.Write(0x3FF, sizeBytes: 2, 0xAB34);
        Assert.Equal(0xFF34u, _bus.Read(0x3FF, sizeBytes: 2));
    }

    [Theory]
    [InlineData(1, 0xFFFF_FF07u, 0x07u)]
    [InlineData(4, 0x1234_5678u, 0x1234_5678u)]
    public void The_debug_exit_port_takes_the_whole_value_of_an_access(int sizeBytes, uint written, uint expected)
    {
        _bus.Write(0xF4, sizeBytes, written);
        Assert.Equal(expected, _debugExit.Written);
    }

    [Fact]
    public void Two_devices_on_one_port_are_refused_by_name()
    {
        ArgumentException refused = Assert.Throws<ArgumentException>(
            () => new PortBus([new DebugExitPort(), new DebugExitPort()]));
        Assert.Contains("0xf4", refused.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(DebugExitPort), refused.Message, StringComparison.Ordinal);
    }
}
