// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;

namespace KvmActors.Machine.Loaders;

/// <summary>Reads little-endian numbers from an image file; an offset outside of it is a
/// <see cref="BootImageException"/> that says what was looked for.</summary>
internal readonly ref struct ImageReader(ReadOnlySpan<byte> file)
{
    private readonly ReadOnlySpan<byte> _file = file;

    public int LengthBytes => _file.Length;

    public ushort UInt16(ulong offset, string what) => BinaryPrimitives.ReadUInt16LittleEndian(At(offset, 2, what));

    public uint UInt32(ulong offset, string what) => BinaryPrimitives.ReadUInt32LittleEndian(At(offset, 4, what));

    public ulong UInt64(ulong offset, string what) => BinaryPrimitives.ReadUInt64LittleEndian(At(offset, 8, what));

    /// <summary>True if the file holds that many bytes at that offset. Any values may be asked about.</summary>
    public bool Holds(ulong offset, ulong lengthBytes) =>
        offset <= (ulong)_file.Length && lengthBytes <= (ulong)_file.Length - offset;

    private ReadOnlySpan<byte> At(ulong offset, int lengthBytes, string what) => Holds(offset, (ulong)lengthBytes)
        ? _file.Slice((int)offset, lengthBytes)
        : throw BootImageException.Of(
            $"{what} at byte offset 0x{offset:x} of the image",
            $"a file of {_file.Length} bytes",
            "The file is cut short or damaged: build or copy it again.");
}
