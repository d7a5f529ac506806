// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.Paravirtual;
using Xunit;

namespace KvmActors.Cpu.Tests.Paravirtual;

/// <summary>The structures in guest memory, byte by byte as Linux reads them.</summary>
public sealed class ParavirtualClockTests : IDisposable
{
    private const ulong MemoryBytes = 0x4000;
    private readonly GuestMemory _memory = new(MemoryBytes);

    public void Dispose() => _memory.Dispose();

    private byte[] Read(ulong address, int count)
    {
        byte[] bytes = new byte[count];
        _memory.Read(new Gpa(address), bytes);
        return bytes;
    }

    private uint Version(ulong address) => BinaryPrimitives.ReadUInt32LittleEndian(Read(address, 4));

    [Fact]
    public void The_time_of_a_vcpu_has_the_layout_of_pvclock_vcpu_time_info()
    {
        ParavirtualClock.WriteTime(_memory, 0x1004 | 1, vmTime: 0x1122_3344_5566_7788, tsc: 0x99, isStable: true);

        Assert.Equal(
            "02000000" + "00000000" + "9900000000000000" + "8877665544332211" + "00000080" + "01" + "01" + "0000",
            Convert.ToHexString(Read(0x1004, 32)));
        Assert.Equal(new byte[8], Read(0xFFC, 8));
        Assert.Equal(new byte[8], Read(0x1024, 8));
    }

    [Theory]
    [InlineData(0ul)]
    [InlineData(1ul)]
    [InlineData(12_345_678_901_234_567ul)]
    [InlineData(ulong.MaxValue / 2)]
    public void A_reader_scales_ticks_to_the_same_number_of_nanoseconds(ulong ticks)
    {
        ParavirtualClock.WriteTime(_memory, 0x1000 | 1, vmTime: 0, tsc: 0, isStable: false);
        byte[] time = Read(0x1000, 32);
        uint multiplier = BinaryPrimitives.ReadUInt32LittleEndian(time.AsSpan(24));

        Assert.Equal(ticks, (ulong)(((UInt128)(ticks << time[28]) * multiplier) >> 32));
        Assert.Equal(0, time[29]);
    }

    [Theory]
    [InlineData(0u, 2u)]
    [InlineData(1u, 4u)]
    [InlineData(2u, 4u)]
    [InlineData(7u, 10u)]
    [InlineData(uint.MaxValue, 2u)]
    public void Each_writing_leaves_another_even_version(uint before, uint after)
    {
        byte[] junk = BitConverter.GetBytes(before);
        _memory.Write(new Gpa(0x1000), junk);
        _memory.Write(new Gpa(0x2000), junk);

        ParavirtualClock.WriteTime(_memory, 0x1000 | 1, 5, 6, isStable: true);
        ParavirtualClock.WriteWallClock(_memory, 0x2000, 7);

        Assert.Equal((after, after), (Version(0x1000), Version(0x2000)));
    }

    [Fact]
    public void The_mark_of_a_guest_that_stood_still_is_the_guests_to_clear()
    {
        _memory.Write(new Gpa(0x1000 + 29), [0xFE]);

        ParavirtualClock.WriteTime(_memory, 0x1000 | 1, 5, 6, isStable: true);

        Assert.Equal(3, Read(0x1000, 32)[29]);
    }

    [Fact]
    public void A_clock_that_is_not_wanted_is_not_written()
    {
        ParavirtualClock.WriteTime(_memory, 0x1000, 5, 6, isStable: true);
        ParavirtualClock.WriteWallClock(_memory, 0, 7);

        Assert.Empty(_memory.TakeDirty(DirtyReader.Hash));
    }

    [Theory]
    [InlineData(MemoryBytes - 32, true)]
    [InlineData(MemoryBytes - 30, false)]
    [InlineData(MemoryBytes, false)]
    [InlineData(ulong.MaxValue - 1, false)]
    public void A_time_that_is_not_wholly_in_RAM_is_not_written(ulong address, bool isWritten)
    {
        ParavirtualClock.WriteTime(_memory, address | 1, 5, 6, isStable: true);

        Assert.Equal(isWritten, !_memory.TakeDirty(DirtyReader.Hash).IsEmpty);
    }

    [Fact]
    public void The_wall_clock_has_seconds_behind_its_version_and_no_nanoseconds()
    {
        ParavirtualClock.WriteWallClock(_memory, 0x1FFC, 1_767_225_600);

        Assert.Equal("0200000000B9556900000000", Convert.ToHexString(Read(0x1FFC, 12)));
    }

    [Fact]
    public void A_pair_of_clocks_is_64_bytes_with_zeros_behind_the_TSC()
    {
        byte[] junk = new byte[72];
        Array.Fill(junk, (byte)0xCC);
        _memory.Write(new Gpa(0x1FF0), junk);

        Assert.True(ParavirtualClock.TryWritePair(_memory, new Gpa(0x1FF0), unixSeconds: 3, nanoseconds: 4, tsc: 5));

        Assert.Equal(
            "0300000000000000" + "0400000000000000" + "0500000000000000" + new string('0', 80) + "CCCCCCCCCCCCCCCC",
            Convert.ToHexString(Read(0x1FF0, 72)));
    }

    [Theory]
    [InlineData(MemoryBytes - 63)]
    [InlineData(MemoryBytes)]
    [InlineData(ulong.MaxValue)]
    public void A_pair_that_is_not_wholly_in_RAM_is_refused_and_no_byte_is_written(ulong address)
    {
        Assert.False(ParavirtualClock.TryWritePair(_memory, new Gpa(address), 3, 4, 5));

        Assert.Empty(_memory.TakeDirty(DirtyReader.Hash));
    }
}
