// SPDX-License-Identifier: Apache-2.0

using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;

namespace KvmActors.Machine.Hashing;

/// <summary>Writes values in the one form that is hashed: fixed width, little-endian; lists and texts with their length
/// before them as 4 bytes; a boolean as one byte 0 or 1; a missing value as the byte 0, a present one as 1 and itself.
/// </summary>
internal sealed class CanonicalWriter
{
    private readonly ArrayBufferWriter<byte> _bytes = new(initialCapacity: 16 * 1024);

    public ReadOnlySpan<byte> Written => _bytes.WrittenSpan;

    public void Byte(byte value) => _bytes.Write([value]);

    public void Flag(bool value) => Byte(value ? (byte)1 : (byte)0);

    public void UInt16(ushort value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes.GetSpan(sizeof(ushort)), value);
        _bytes.Advance(sizeof(ushort));
    }

    public void UInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_bytes.GetSpan(sizeof(uint)), value);
        _bytes.Advance(sizeof(uint));
    }

    public void Int32(int value) => UInt32(unchecked((uint)value));

    public void UInt64(ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(_bytes.GetSpan(sizeof(ulong)), value);
        _bytes.Advance(sizeof(ulong));
    }

    public void Bytes(ImmutableArray<byte> value)
    {
        Int32(value.Length);
        _bytes.Write(value.AsSpan());
    }

    public void Text(string value)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(value);
        Int32(utf8.Length);
        _bytes.Write(utf8);
    }

    public void List<T>(ImmutableArray<T> items, Action<T> write)
    {
        Int32(items.Length);
        foreach (T item in items)
        {
            write(item);
        }
    }
}
