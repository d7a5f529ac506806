// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Text;
using KvmActors.Cpu;
using KvmActors.Cpu.Memory;
using KvmActors.Machine.Devices;

namespace KvmActors.Machine.Loaders;

/// <summary>The ACPI tables by which a kernel finds its processors and interrupt controllers: RSDP, XSDT and MADT.
/// </summary>
/// <remarks>
/// <para>There is no FADT and so no DSDT: no ACPI power management, no devices by ACPI. Kernels take the interrupt
/// controllers from the MADT and find the PC's devices by custom.</para>
/// <para>Source: ACPI 6.5, sections 5.2.5 "Root System Description Pointer", 5.2.8 "Extended System Description Table"
/// and 5.2.12 "Multiple APIC Description Table".</para>
/// </remarks>
internal static class AcpiTables
{
    /// <summary>Where the RSDP is: in the BIOS area, which kernels search for it.</summary>
    public const ulong RootPointer = 0xE_0000;

    private const int RootPointerBytes = 36;
    private const int HeaderBytes = 36;
    private const int XsdtOffset = 0x40;
    private const int XsdtBytes = HeaderBytes + sizeof(ulong);
    private const int MadtOffset = 0x80;
    private const byte IoApicId = 0;
    private const ulong LocalApicGpa = 0xFEE0_0000;

    /// <summary>Writes the tables, unless the image or the size of memory leaves no room.</summary>
    /// <returns>True if they are there.</returns>
    public static bool TryPlace(BootImage image, GuestMemory memory, int vcpuCount)
    {
        byte[] tables = Build(vcpuCount);
        if (!MemoryMap.IsFree(image, memory, RootPointer, (ulong)tables.Length))
        {
            return false;
        }

        memory.Write(new Gpa(RootPointer), tables);
        return true;
    }

    private static byte[] Build(int vcpuCount)
    {
        byte[] madt = Madt(vcpuCount);
        byte[] block = new byte[MadtOffset + madt.Length];
        WriteRootPointer(block.AsSpan(0, RootPointerBytes));
        Span<byte> xsdt = block.AsSpan(XsdtOffset, XsdtBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(xsdt[HeaderBytes..], RootPointer + MadtOffset);
        WriteHeader(xsdt, "XSDT"u8, revision: 1);
        madt.CopyTo(block, MadtOffset);
        return block;
    }

    private static void WriteRootPointer(Span<byte> pointer)
    {
        const int FirstVersionBytes = 20;
        "RSD PTR "u8.CopyTo(pointer);
        "KVMACT"u8.CopyTo(pointer[9..]);
        pointer[15] = 2;
        BinaryPrimitives.WriteInt32LittleEndian(pointer[20..], RootPointerBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(pointer[24..], RootPointer + XsdtOffset);
        pointer[8] = ChecksumOf(pointer[..FirstVersionBytes]);
        pointer[32] = ChecksumOf(pointer);
    }

    /// <summary>Processors by ascending APIC id, which is their index; IRQ0 at pin 2 of the I/O APIC; NMI at LINT1.
    /// </summary>
    private static byte[] Madt(int vcpuCount)
    {
        const int AddressAndFlagsBytes = 8;
        List<byte> madt = [.. new byte[HeaderBytes + AddressAndFlagsBytes]];
        for (int id = 0; id < vcpuCount; id++)
        {
            // Processor Local APIC: processor UID, APIC id, enabled.
            madt.AddRange([0, 8, (byte)id, (byte)id, 1, 0, 0, 0]);
        }

        // I/O APIC: id, reserved, address, first global interrupt.
        byte[] ioApic = [1, 12, IoApicId, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        BinaryPrimitives.WriteUInt32LittleEndian(ioApic.AsSpan(4), (uint)IoApic.FirstGpa);
        madt.AddRange(ioApic);

        // Interrupt source override: ISA IRQ0 is global interrupt 2, polarity and trigger of the bus.
        madt.AddRange([2, 10, 0, 0, 2, 0, 0, 0, 0, 0]);

        // Local APIC NMI: all processors, LINT1.
        madt.AddRange([4, 6, 0xFF, 0, 0, 1]);

        byte[] table = [.. madt];
        BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(HeaderBytes), (uint)LocalApicGpa);
        table[HeaderBytes + sizeof(uint)] = 1; // PCAT_COMPAT: there is a pair of 8259 too.
        WriteHeader(table, "APIC"u8, revision: 4);
        return table;
    }

    private static void WriteHeader(Span<byte> table, ReadOnlySpan<byte> signature, byte revision)
    {
        signature.CopyTo(table);
        BinaryPrimitives.WriteInt32LittleEndian(table[4..], table.Length);
        table[8] = revision;
        Encoding.ASCII.GetBytes("KVMACT", table[10..]);
        Encoding.ASCII.GetBytes("KVMACTOR", table[16..]);
        BinaryPrimitives.WriteUInt32LittleEndian(table[24..], 1);
        Encoding.ASCII.GetBytes("KVMA", table[28..]);
        BinaryPrimitives.WriteUInt32LittleEndian(table[32..], 1);
        table[9] = ChecksumOf(table);
    }

    /// <summary>What makes the sum of all bytes zero, where the checksum's own byte is still zero.</summary>
    private static byte ChecksumOf(ReadOnlySpan<byte> bytes)
    {
        byte sum = 0;
        foreach (byte value in bytes)
        {
            sum = unchecked((byte)(sum + value));
        }

        return unchecked((byte)-sum);
    }
}
