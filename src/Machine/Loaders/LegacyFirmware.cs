// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Collections.Immutable;
using KvmActors.Cpu;
using KvmActors.Cpu.Apic;
using KvmActors.Cpu.Memory;
using KvmActors.Machine.Devices;

namespace KvmActors.Machine.Loaders;

/// <summary>What a PC's firmware leaves behind for a kernel it has loaded: real-mode interrupt vectors, the 8259 pair
/// and the 8254 programmed, the first local APIC in virtual wire mode.</summary>
/// <remarks>There is no other firmware: the vectors lead to an IRET, those of the interrupt lines with the end of
/// interrupt before it. Source: IBM Personal Computer AT Technical Reference, section 5 "System BIOS" (vectors, 8259
/// and 8254 initialization, the dummy return at F000:FF53); Intel MultiProcessor Specification 1.4, section 3.6.2.2
/// "Virtual Wire Mode".</remarks>
internal static class LegacyFirmware
{
    private const ulong VectorTableBytes = 1024;
    private const int VectorCount = 256;
    private const uint CodeSegment = 0xF000;
    private const ushort Return = 0xFF53;
    private const ushort ReturnOfMaster = 0xFF60;
    private const ushort ReturnOfSlave = 0xFF70;
    private const int FirstVectorOfMaster = 0x08;
    private const int FirstVectorOfSlave = 0x70;
    private const int LinesEach = 8;
    private const int SpuriousVector = 0xF0;
    private const int LvtLint0 = 0x350;
    private const int LvtLint1 = 0x360;
    private const ulong RomStart = CodeSegment << 4;
    private const ulong RomEnd = 0x10_0000;

    /// <summary>The 8259 pair with vectors 08h and 70h and all but IRQ0 and the cascade masked; counter 0 of the 8254
    /// at 18.2 Hz.</summary>
    private static readonly ImmutableArray<(ushort Port, byte Value)> s_portWrites =
    [
        (0x20, 0x11), (0x21, FirstVectorOfMaster), (0x21, 0x04), (0x21, 0x01), (0x21, 0xFA),
        (0xA0, 0x11), (0xA1, FirstVectorOfSlave), (0xA1, 0x02), (0xA1, 0x01), (0xA1, 0xFF),
        (0x43, 0x34), (0x40, 0x00), (0x40, 0x00),
    ];

    /// <summary>push ax; mov al, 20h; out 20h, al; pop ax; iret.</summary>
    private static ReadOnlySpan<byte> MasterCode => [0x50, 0xB0, 0x20, 0xE6, 0x20, 0x58, 0xCF];

    /// <summary>The same with the slave's end first.</summary>
    private static ReadOnlySpan<byte> SlaveCode => [0x50, 0xB0, 0x20, 0xE6, 0xA0, 0xE6, 0x20, 0x58, 0xCF];

    private static ReadOnlySpan<byte> ReturnCode => [0xCF];

    /// <summary>Writes the vectors and what they lead to, unless the image or the size of memory leaves no room.
    /// </summary>
    public static void PlaceVectors(BootImage image, GuestMemory memory)
    {
        bool isFree = memory.SizeBytes >= RomEnd && image.Segments.All(
            segment => segment.Start.Value >= RomEnd
                || (segment.Start.Value >= VectorTableBytes && segment.End <= RomStart));
        if (!isFree)
        {
            return;
        }

        byte[] table = new byte[VectorTableBytes];
        for (int vector = 0; vector < VectorCount; vector++)
        {
            uint entry = (CodeSegment << 16) | HandlerOf(vector);
            BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(vector * sizeof(uint)), entry);
        }

        memory.Write(new Gpa(0), table);
        memory.Write(new Gpa(RomStart + Return), ReturnCode);
        memory.Write(new Gpa(RomStart + ReturnOfMaster), MasterCode);
        memory.Write(new Gpa(RomStart + ReturnOfSlave), SlaveCode);
    }

    public static void ProgramDevices(PortBus bus)
    {
        foreach ((ushort port, byte value) in s_portWrites)
        {
            bus.Write(port, sizeof(byte), value);
        }
    }

    /// <summary>Virtual wire mode: enabled, LINT0 passes on what the 8259 pair asks for, LINT1 is NMI.</summary>
    public static LocalApicState VirtualWire(LocalApicState reset) => reset with
    {
        Registers = reset.Registers
            .SetItem(SpuriousVector + 1, 1)
            .SetItem(LvtLint0 + 1, (byte)DeliveryMode.External)
            .SetItem(LvtLint0 + 2, 0)
            .SetItem(LvtLint1 + 1, (byte)DeliveryMode.NonMaskable)
            .SetItem(LvtLint1 + 2, 0),
    };

    private static ushort HandlerOf(int vector) => vector switch
    {
        >= FirstVectorOfMaster and < FirstVectorOfMaster + LinesEach => ReturnOfMaster,
        >= FirstVectorOfSlave and < FirstVectorOfSlave + LinesEach => ReturnOfSlave,
        _ => Return,
    };
}
