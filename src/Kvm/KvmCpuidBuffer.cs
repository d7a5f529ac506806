// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using KvmActors.Cpu.Cpuid;

namespace KvmActors.Kvm;

/// <summary>struct kvm_cpuid2 as bytes: the count, four bytes of padding, then entries of 40 bytes.</summary>
/// <remarks>Source: Linux v6.19 arch/x86/include/uapi/asm/kvm.h.</remarks>
internal static class KvmCpuidBuffer
{
    private const int HeadBytes = 8;
    private const int EntryBytes = 40;

    public static byte[] Empty(int entries)
    {
        byte[] buffer = new byte[HeadBytes + (entries * EntryBytes)];
        BinaryPrimitives.WriteInt32LittleEndian(buffer, entries);
        return buffer;
    }

    public static byte[] Write(CpuidTable table)
    {
        byte[] buffer = Empty(table.Entries.Length);
        for (int i = 0; i < table.Entries.Length; i++)
        {
            CpuidEntry entry = table.Entries[i];
            uint[] words =
            [
                entry.Leaf, entry.Subleaf, (uint)entry.Flags, entry.Eax, entry.Ebx, entry.Ecx, entry.Edx,
                entry.Padding0, entry.Padding1, entry.Padding2,
            ];
            for (int word = 0; word < words.Length; word++)
            {
                int at = HeadBytes + (i * EntryBytes) + (word * sizeof(uint));
                BinaryPrimitives.WriteUInt32LittleEndian(buffer.AsSpan(at), words[word]);
            }
        }

        return buffer;
    }

    public static CpuidTable Read(byte[] buffer)
    {
        int count = BinaryPrimitives.ReadInt32LittleEndian(buffer);
        return CpuidTable.Of(Enumerable.Range(0, count).Select(i =>
        {
            uint Word(int word) => BinaryPrimitives.ReadUInt32LittleEndian(
                buffer.AsSpan(HeadBytes + (i * EntryBytes) + (word * sizeof(uint))));
            return new CpuidEntry(
                Word(0), Word(1), (CpuidEntryFlags)Word(2), Word(3), Word(4), Word(5), Word(6), Word(7), Word(8),
                Word(9));
        }));
    }
}
