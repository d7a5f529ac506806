// SPDX-License-Identifier: Apache-2.0

using static System.Buffers.Binary.BinaryPrimitives;

namespace KvmActors.Cpu.State.KvmApi;

/// <summary>struct kvm_sregs: segments, tables, control registers, EFER and APIC_BASE.</summary>
/// <remarks>Its bitmap of pending interrupts is for a KVM without a local APIC, and empty.</remarks>
internal static class KvmSystemRegisters
{
    private const int SegmentBytes = 24;
    private const int TableBytes = 16;
    private const int TablesOffset = 8 * SegmentBytes;
    private const int ControlOffset = TablesOffset + (2 * TableBytes);
    private const int EferOffset = ControlOffset + 40;
    private const int ApicBaseOffset = EferOffset + 8;

    private static readonly SegmentName[] s_order =
    [
        SegmentName.Cs, SegmentName.Ds, SegmentName.Es, SegmentName.Fs, SegmentName.Gs, SegmentName.Ss,
        SegmentName.Tr, SegmentName.Ldtr,
    ];

    /// <summary>From byte 14 on, a byte each: how far to shift the attributes, and how many bits.</summary>
    private static readonly (int Shift, uint Mask)[] s_attributes =
    [
        (0, 0xF), (7, 1), (5, 3), (14, 1), (4, 1), (13, 1), (15, 1), (12, 1), (16, 1),
    ];

    public static byte[] Write(VcpuState state)
    {
        byte[] bytes = new byte[KvmVcpuState.SizeBytes(KvmStructure.SystemRegisters)];
        for (int place = 0; place < s_order.Length; place++)
        {
            WriteSegment(bytes.AsSpan(place * SegmentBytes), state.Segments[(int)s_order[place]]);
        }

        WriteTable(bytes.AsSpan(TablesOffset), state.Gdtr);
        WriteTable(bytes.AsSpan(TablesOffset + TableBytes), state.Idtr);
        ulong[] control = [state.Cr0, state.Cr2, state.Cr3, state.Cr4, state.Cr8, state.Efer, ApicBaseOf(state)];
        for (int place = 0; place < control.Length; place++)
        {
            WriteUInt64LittleEndian(bytes.AsSpan(ControlOffset + (8 * place)), control[place]);
        }

        return bytes;
    }

    public static VcpuState Read(ReadOnlySpan<byte> bytes, VcpuState state)
    {
        var segments = new SegmentState[s_order.Length];
        for (int place = 0; place < s_order.Length; place++)
        {
            segments[(int)s_order[place]] = ReadSegment(bytes[(place * SegmentBytes)..]);
        }

        ulong apicBase = ReadUInt64LittleEndian(bytes[ApicBaseOffset..]);
        return state with
        {
            Segments = [.. segments],
            Gdtr = ReadTable(bytes[TablesOffset..]),
            Idtr = ReadTable(bytes[(TablesOffset + TableBytes)..]),
            Cr0 = ReadUInt64LittleEndian(bytes[ControlOffset..]),
            Cr2 = ReadUInt64LittleEndian(bytes[(ControlOffset + 8)..]),
            Cr3 = ReadUInt64LittleEndian(bytes[(ControlOffset + 16)..]),
            Cr4 = ReadUInt64LittleEndian(bytes[(ControlOffset + 24)..]),
            Cr8 = ReadUInt64LittleEndian(bytes[(ControlOffset + 32)..]),
            Efer = ReadUInt64LittleEndian(bytes[EferOffset..]),
            Msrs = KvmMsrs.With(state.Msrs, MsrSlots.Indices[MsrSlots.ApicBase], apicBase),
        };
    }

    private static ulong ApicBaseOf(VcpuState state) =>
        state.Msrs.FirstOrDefault(msr => msr.Index == MsrSlots.Indices[MsrSlots.ApicBase]).Value;

    private static void WriteSegment(Span<byte> bytes, SegmentState segment)
    {
        WriteUInt64LittleEndian(bytes, segment.Base);
        WriteUInt32LittleEndian(bytes[8..], segment.Limit);
        WriteUInt16LittleEndian(bytes[12..], segment.Selector);
        for (int place = 0; place < s_attributes.Length; place++)
        {
            (int shift, uint mask) = s_attributes[place];
            bytes[14 + place] = (byte)(segment.Attributes >> shift & mask);
        }
    }

    private static SegmentState ReadSegment(ReadOnlySpan<byte> bytes)
    {
        uint attributes = 0;
        for (int place = 0; place < s_attributes.Length; place++)
        {
            (int shift, uint mask) = s_attributes[place];
            attributes |= (bytes[14 + place] & mask) << shift;
        }

        return new SegmentState(
            ReadUInt16LittleEndian(bytes[12..]),
            ReadUInt64LittleEndian(bytes),
            ReadUInt32LittleEndian(bytes[8..]),
            attributes);
    }

    private static void WriteTable(Span<byte> bytes, DescriptorTableState table)
    {
        WriteUInt64LittleEndian(bytes, table.Base);
        WriteUInt16LittleEndian(bytes[8..], table.Limit);
    }

    private static DescriptorTableState ReadTable(ReadOnlySpan<byte> bytes) =>
        new(ReadUInt64LittleEndian(bytes), ReadUInt16LittleEndian(bytes[8..]));
}
