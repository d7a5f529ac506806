// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using KvmActors.Cpu;
using KvmActors.Cpu.Memory;
using KvmActors.Machine.Loaders;
using Xunit;

namespace KvmActors.Machine.Tests.Loaders;

public sealed class AcpiTablesTests
{
    private const ulong Memory = 2UL << 20;

    [Fact]
    public void Every_table_sums_to_zero_and_the_pointers_lead_from_one_to_the_next()
    {
        using GuestMemory memory = Place(vcpuCount: 3);
        byte[] root = Read(memory, AcpiTables.RootPointer, 36);
        Assert.Equal("RSD PTR "u8.ToArray(), root[..8]);
        Assert.Equal(0, Sum(root[..20]));
        Assert.Equal(0, Sum(root));

        byte[] xsdt = Table(memory, BinaryPrimitives.ReadUInt64LittleEndian(root.AsSpan(24)), "XSDT"u8);
        Assert.Equal(44, xsdt.Length);
        _ = Table(memory, BinaryPrimitives.ReadUInt64LittleEndian(xsdt.AsSpan(36)), "APIC"u8);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(16)]
    public void The_MADT_lists_each_vCPU_by_its_APIC_id_the_IO_APIC_and_the_timer_at_pin_2(int vcpuCount)
    {
        using GuestMemory memory = Place(vcpuCount);
        List<byte[]> entries = Entries(memory);

        byte[][] processors = [.. entries.Where(entry => entry[0] == 0)];
        Assert.Equal(Enumerable.Range(0, vcpuCount), processors.Select(entry => (int)entry[3]));
        Assert.All(processors, entry => Assert.Equal(1, entry[4]));
        byte[] ioApic = Assert.Single(entries, entry => entry[0] == 1);
        Assert.Equal(0xFEC0_0000u, BinaryPrimitives.ReadUInt32LittleEndian(ioApic.AsSpan(4)));
        byte[] timer = Assert.Single(entries, entry => entry[0] == 2);
        Assert.Equal((0, 2), (timer[3], timer[4]));
    }

    [Fact]
    public void An_image_that_lies_there_keeps_its_bytes()
    {
        using GuestMemory memory = new(Memory);
        BootImage image = new(
            BootProtocol.Multiboot, [new(new Gpa(AcpiTables.RootPointer), new byte[16], 16)], default, "");
        Assert.False(AcpiTables.TryPlace(image, memory, 1));
        Assert.True(memory.IsZero((int)(AcpiTables.RootPointer / GuestMemory.PageBytes)));
    }

    private static GuestMemory Place(int vcpuCount)
    {
        GuestMemory memory = new(Memory);
        BootImage image = new(BootProtocol.Multiboot, [new(new Gpa(0x10_0000), new byte[1], 1)], default, "");
        Assert.True(AcpiTables.TryPlace(image, memory, vcpuCount));
        return memory;
    }

    private static List<byte[]> Entries(GuestMemory memory)
    {
        const ulong Madt = AcpiTables.RootPointer + 0x80;
        byte[] table = Table(memory, Madt, "APIC"u8);
        List<byte[]> entries = [];
        for (int at = 44; at < table.Length; at += table[at + 1])
        {
            entries.Add(table[at..(at + table[at + 1])]);
        }

        return entries;
    }

    private static byte[] Table(GuestMemory memory, ulong address, ReadOnlySpan<byte> signature)
    {
        byte[] header = Read(memory, address, 8);
        Assert.Equal(signature.ToArray(), header[..4]);
        byte[] table = Read(memory, address, BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(4)));
        Assert.Equal(0, Sum(table));
        return table;
    }

    private static byte Sum(byte[] bytes) => (byte)bytes.Sum(value => value);

    private static byte[] Read(GuestMemory memory, ulong address, int lengthBytes)
    {
        byte[] bytes = new byte[lengthBytes];
        memory.Read(new Gpa(address), bytes);
        return bytes;
    }
}
