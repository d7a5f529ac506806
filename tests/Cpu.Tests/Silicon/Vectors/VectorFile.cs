// SPDX-License-Identifier: Apache-2.0

using System.IO.Compression;
using System.Text;
using Iced.Intel;

namespace KvmActors.Cpu.Tests.Silicon.Vectors;

/// <summary>One file of vectors: a few lines of text about the CPU, an empty line, then compressed columns.</summary>
/// <remarks>The columns: shapes; a status a vector (<see cref="MachineImage.Status"/>); a digest of 24 bits a vector;
/// and whole results, as the words that changed. Each is brotli with its length before it.</remarks>
internal sealed class VectorFile
{
    public const string Magic = "KvmActors silicon vectors 1";
    public const string Extension = ".vectors";

    private const int DigestBytes = 3;
    private const int BrotliWindow = 24;

    private readonly Dictionary<int, int> _firstOfShape = [];
    private readonly Dictionary<int, int> _fullOfShape = [];
    private readonly List<int> _fullStarts = [];

    /// <summary>Lines about the CPU and the day.</summary>
    public required IReadOnlyList<string> Header { get; init; }

    public required IReadOnlyList<VectorShape> Shapes { get; init; }

    public required byte[] Statuses { get; init; }

    public required byte[] Digests { get; init; }

    public required byte[] Fulls { get; init; }

    /// <summary>Of all inputs and of the pools that they were made from.</summary>
    public required ulong InputDigest { get; init; }

    public int Count => Statuses.Length;

    public void Write(string path)
    {
        using FileStream file = File.Create(path);
        file.Write(Encoding.UTF8.GetBytes(string.Join('\n', [Magic, .. Header, "", ""])));
        using BinaryWriter writer = new(file);
        writer.Write(InputDigest);
        WriteColumn(writer, ShapeColumn());
        WriteColumn(writer, Statuses);
        WriteColumn(writer, Digests);
        WriteColumn(writer, Fulls);
    }

    public static VectorFile Read(string path)
    {
        using FileStream file = File.OpenRead(path);
        List<string> header = [];
        while (ReadLine(file) is { Length: > 0 } line)
        {
            header.Add(line);
        }

        if (header.Count == 0 || header[0] != Magic)
        {
            throw new InvalidDataException($"Expected \"{Magic}\" at the start of {path}.");
        }

        using BinaryReader reader = new(file);
        ulong inputDigest = reader.ReadUInt64();
        VectorFile read = new()
        {
            Header = header[1..],
            InputDigest = inputDigest,
            Shapes = ReadShapes(ReadColumn(reader)),
            Statuses = ReadColumn(reader),
            Digests = ReadColumn(reader),
            Fulls = ReadColumn(reader),
        };
        read.Locate();
        return read;
    }

    /// <summary>The number in the file of a shape's first vector.</summary>
    public int FirstOf(VectorShape shape) => _firstOfShape[shape.Index];

    public byte StatusOf(VectorShape shape, int number) => Statuses[FirstOf(shape) + number];

    public uint DigestOf(VectorShape shape, int number)
    {
        ReadOnlySpan<byte> digest = Digests.AsSpan((FirstOf(shape) + number) * DigestBytes, DigestBytes);
        return digest[0] | ((uint)digest[1] << 8) | ((uint)digest[2] << 16);
    }

    /// <summary>Where the whole result of a vector begins in <see cref="Fulls"/>.</summary>
    public int FullStartOf(VectorShape shape, int number) => _fullStarts[_fullOfShape[shape.Index] + number];

    /// <summary>Makes the image behind a vector whose whole result is recorded, from the one before it.</summary>
    public void ReadFull(VectorShape shape, int number, MachineImage image)
    {
        int start = FullStartOf(shape, number);
        using MemoryStream stream = new(Fulls, start, Fulls.Length - start, writable: false);
        using BinaryReader reader = new(stream);
        ReadFull(reader, image);
        byte status = StatusOf(shape, number);
        image.Fault = MachineImage.IsFault(status) ? MachineImage.VectorOf(status) : null;
        image.Flags = image.Fault is null ? MachineImage.UnpackFlags(status) : image.Flags;
    }

    /// <summary>The words that an instruction changed.</summary>
    public static void WriteFull(BinaryWriter writer, MachineImage before, MachineImage after)
    {
        int[] changed =
            [.. Enumerable.Range(0, MachineImage.Count).Where(word => before.Words[word] != after.Words[word])];
        writer.Write((byte)changed.Length);
        foreach (int word in changed)
        {
            writer.Write((byte)word);
            writer.Write(after.Words[word]);
        }
    }

    public static void WriteDigest(BinaryWriter writer, uint digest)
    {
        writer.Write((ushort)digest);
        writer.Write((byte)(digest >> 16));
    }

    private static void ReadFull(BinaryReader reader, MachineImage image)
    {
        for (int count = reader.ReadByte(); count > 0; count--)
        {
            int word = reader.ReadByte();
            image.Words[word] = reader.ReadUInt64();
        }
    }

    private void Locate()
    {
        int first = 0;
        int full = 0;
        foreach (VectorShape shape in Shapes)
        {
            _firstOfShape[shape.Index] = first;
            _fullOfShape[shape.Index] = full;
            first += shape.Count;
            full += shape.FullCount;
        }

        int at = 0;
        for (; full > 0; full--)
        {
            _fullStarts.Add(at);
            at += 1 + (Fulls[at] * 9);
        }

        bool fits = first == Statuses.Length && Digests.Length == first * DigestBytes && at == Fulls.Length;
        if (!fits)
        {
            throw new InvalidDataException(
                $"Expected {first} vectors, found {Statuses.Length} and {Digests.Length / DigestBytes}, and whole "
                + $"results of {at} bytes, found {Fulls.Length}.");
        }
    }

    private byte[] ShapeColumn()
    {
        Code[] codes = [.. Shapes.Select(shape => shape.Code).Distinct()];
        var numbers = codes.Index().ToDictionary(code => code.Item, code => code.Index);
        using MemoryStream stream = new();
        using BinaryWriter writer = new(stream);

        // Names, because the decoder's numbers may change with its version.
        writer.Write7BitEncodedInt(codes.Length);
        foreach (Code code in codes)
        {
            writer.Write(code.ToString());
        }

        writer.Write7BitEncodedInt(Shapes.Count);
        foreach (VectorShape shape in Shapes)
        {
            shape.Write(writer, numbers);
        }

        return stream.ToArray();
    }

    private static VectorShape[] ReadShapes(byte[] column)
    {
        using BinaryReader reader = new(new MemoryStream(column));
        var codes = new Code[reader.Read7BitEncodedInt()];
        for (int code = 0; code < codes.Length; code++)
        {
            codes[code] = Enum.Parse<Code>(reader.ReadString());
        }

        var shapes = new VectorShape[reader.Read7BitEncodedInt()];
        for (int index = 0; index < shapes.Length; index++)
        {
            shapes[index] = VectorShape.Read(reader, codes, index);
        }

        return shapes;
    }

    public static void WriteColumn(BinaryWriter writer, byte[] column)
    {
        byte[] compressed = new byte[BrotliEncoder.GetMaxCompressedLength(column.Length)];
        if (!BrotliEncoder.TryCompress(column, compressed, out int length, quality: 9, BrotliWindow))
        {
            throw new InvalidOperationException("The column cannot be compressed.");
        }

        writer.Write(column.Length);
        writer.Write(length);
        writer.Write(compressed, 0, length);
    }

    public static byte[] ReadColumn(BinaryReader reader)
    {
        byte[] column = new byte[reader.ReadInt32()];
        byte[] compressed = reader.ReadBytes(reader.ReadInt32());
        return BrotliDecoder.TryDecompress(compressed, column, out int length) && length == column.Length
            ? column
            : throw new InvalidDataException($"Expected a column of {column.Length} bytes, found {length}.");
    }

    private static string ReadLine(FileStream file)
    {
        List<byte> line = [];
        for (int next = file.ReadByte(); next is not -1 and not '\n'; next = file.ReadByte())
        {
            line.Add((byte)next);
        }

        return Encoding.UTF8.GetString([.. line]);
    }
}
