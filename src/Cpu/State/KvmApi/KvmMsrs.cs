// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using static System.Buffers.Binary.BinaryPrimitives;

namespace KvmActors.Cpu.State.KvmApi;

/// <summary>struct kvm_msrs: the MSRs that the engine keeps, then the TSC, then its deadline.</summary>
internal static class KvmMsrs
{
    public const uint Tsc = 0x10;
    public const uint TscDeadline = 0x6E0;
    private const int HeadBytes = 8;
    private const int EntryBytes = 16;

    public static byte[] Write(VcpuState state, ulong vmTime)
    {
        ulong adjust = ValueOf(state.Msrs, MsrSlots.Indices[MsrSlots.TscAdjust]);
        MsrValue[] all =
        [
            .. state.Msrs,
            new MsrValue(Tsc, vmTime + adjust),
            new MsrValue(TscDeadline, state.Apic.TscDeadline),
        ];
        byte[] bytes = new byte[HeadBytes + (all.Length * EntryBytes)];
        WriteInt32LittleEndian(bytes, all.Length);
        for (int entry = 0; entry < all.Length; entry++)
        {
            Span<byte> at = bytes.AsSpan(HeadBytes + (entry * EntryBytes));
            WriteUInt32LittleEndian(at, all[entry].Index);
            WriteUInt64LittleEndian(at[8..], all[entry].Value);
        }

        return bytes;
    }

    /// <summary>Takes the MSRs that the state has; TSC and deadline are the timer's.</summary>
    public static VcpuState Read(ReadOnlySpan<byte> bytes, VcpuState state)
    {
        ImmutableArray<MsrValue> msrs = state.Msrs;
        foreach (MsrValue msr in Entries(bytes))
        {
            msrs = MsrSlots.Find(msr.Index) < 0 ? msrs : With(msrs, msr.Index, msr.Value);
        }

        return state with { Msrs = msrs };
    }

    /// <summary>True if as many entries are there as the head says.</summary>
    public static bool IsWhole(ReadOnlySpan<byte> bytes) => bytes.Length >= HeadBytes
        && (uint)(bytes.Length - HeadBytes) / EntryBytes == ReadUInt32LittleEndian(bytes)
        && bytes.Length % EntryBytes == HeadBytes;

    /// <summary>All entries, in their order.</summary>
    public static MsrValue[] Entries(ReadOnlySpan<byte> bytes)
    {
        var entries = new MsrValue[ReadInt32LittleEndian(bytes)];
        for (int entry = 0; entry < entries.Length; entry++)
        {
            ReadOnlySpan<byte> at = bytes[(HeadBytes + (entry * EntryBytes))..];
            entries[entry] = new MsrValue(ReadUInt32LittleEndian(at), ReadUInt64LittleEndian(at[8..]));
        }

        return entries;
    }

    /// <summary>The list with another value for one of its MSRs, or with one more.</summary>
    public static ImmutableArray<MsrValue> With(ImmutableArray<MsrValue> msrs, uint index, ulong value) =>
    [
        .. msrs.Where(msr => msr.Index != index).Append(new MsrValue(index, value)).OrderBy(msr => msr.Index),
    ];

    private static ulong ValueOf(ImmutableArray<MsrValue> msrs, uint index) =>
        msrs.FirstOrDefault(msr => msr.Index == index).Value;
}
