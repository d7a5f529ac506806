// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Text;

namespace KvmActors.Samples.Guests.Story;

/// <summary>Initialised data: hands out an address for each item as it is added.</summary>
internal sealed class DataSection
{
    private readonly List<byte> _bytes = [];

    public uint Text(string text)
    {
        uint address = Next(alignment: 1);
        _bytes.AddRange(Encoding.ASCII.GetBytes(text));
        _bytes.Add(0);
        return address;
    }

    public uint UInt32s(ReadOnlySpan<uint> values)
    {
        uint address = Next(alignment: 16);
        Span<byte> each = stackalloc byte[sizeof(uint)];
        foreach (uint value in values)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(each, value);
            _bytes.AddRange(each);
        }

        return address;
    }

    public uint UInt64s(ReadOnlySpan<ulong> values)
    {
        uint address = Next(alignment: 16);
        Span<byte> each = stackalloc byte[sizeof(ulong)];
        foreach (ulong value in values)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(each, value);
            _bytes.AddRange(each);
        }

        return address;
    }

    /// <summary>The 10 bytes that LGDT and LIDT read: limit and base.</summary>
    public uint TablePointer(ushort limit, ulong address)
    {
        uint at = Next(alignment: 2);
        Span<byte> pointer = stackalloc byte[10];
        BinaryPrimitives.WriteUInt16LittleEndian(pointer, limit);
        BinaryPrimitives.WriteUInt64LittleEndian(pointer[2..], address);
        _bytes.AddRange(pointer);
        return at;
    }

    public byte[] ToArray() => [.. _bytes];

    private uint Next(int alignment)
    {
        while (_bytes.Count % alignment != 0)
        {
            _bytes.Add(0);
        }

        return GuestLayout.Data + (uint)_bytes.Count;
    }
}
