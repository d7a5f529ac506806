// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;

namespace KvmActors.Cpu.Tests.Silicon.Vectors;

/// <summary>One encoding of one form, and how the machine before it is made, many times over.</summary>
internal sealed class VectorShape
{
    public required Code Code { get; init; }

    /// <summary>64, 32 or 16: of the code segment.</summary>
    public required int Bits { get; init; }

    public required byte[] Bytes { get; init; }

    /// <summary>Of the instruction, from the block.</summary>
    public required int CodeOffset { get; init; }

    public required int Count { get; init; }

    /// <summary>How many of them, from the first on, have their whole result recorded.</summary>
    public required int FullCount { get; init; }

    /// <summary>False if x87, MMX and SSE are as after reset and not looked at.</summary>
    public required bool HasFx { get; init; }

    public required VectorContent Environment { get; init; }

    /// <summary>In ST and MM registers.</summary>
    public required VectorContent StackContent { get; init; }

    public required VectorContent XmmContent { get; init; }

    public required VectorContent DataContent { get; init; }

    /// <summary>Offset of an entry in the data window.</summary>
    public required int DataPhase { get; init; }

    public required IReadOnlyList<VectorOverride> Overrides { get; init; }

    /// <summary>Its number in the file, from which its seed is made.</summary>
    public int Index { get; set; }

    public ulong BlockOrigin => Bits == 16 ? 0 : VectorLayout.BlockBase;

    public ulong Address => BlockOrigin + (ulong)CodeOffset;

    public ulong Next => Address + (ulong)Bytes.Length;

    public ulong Taken => Address + SiliconLayout.TakenOffset;

    /// <summary>True if segment registers are not the same behind it.</summary>
    public bool LoadsSegments => Decode() is var instruction
        && (instruction.Mnemonic is Mnemonic.Les or Mnemonic.Lds or Mnemonic.Lss or Mnemonic.Lgs
            || (instruction.Mnemonic is Mnemonic.Mov or Mnemonic.Pop && instruction.Op0Register.IsSegmentRegister()));

    public Instruction Decode()
    {
        var decoder = Decoder.Create(Bits, Bytes, Address);
        return decoder.Decode();
    }

    public void Write(BinaryWriter writer, IReadOnlyDictionary<Code, int> codes)
    {
        writer.Write7BitEncodedInt(codes[Code]);
        writer.Write((byte)Bits);
        writer.Write((byte)Bytes.Length);
        writer.Write(Bytes);
        writer.Write((ushort)CodeOffset);
        writer.Write7BitEncodedInt(Count);
        writer.Write7BitEncodedInt(FullCount);
        writer.Write((byte)(HasFx ? 1 : 0));
        writer.Write((byte)Environment);
        writer.Write((byte)StackContent);
        writer.Write((byte)XmmContent);
        writer.Write((byte)DataContent);
        writer.Write((ushort)DataPhase);
        writer.Write((byte)Overrides.Count);
        foreach (VectorOverride change in Overrides)
        {
            writer.Write(change.Place);
            writer.Write(change.Offset);
            writer.Write(change.Mask);
            writer.Write(change.Ones);
        }
    }

    public static VectorShape Read(BinaryReader reader, IReadOnlyList<Code> codes, int index) => new()
    {
        Index = index,
        Code = codes[reader.Read7BitEncodedInt()],
        Bits = reader.ReadByte(),
        Bytes = reader.ReadBytes(reader.ReadByte()),
        CodeOffset = reader.ReadUInt16(),
        Count = reader.Read7BitEncodedInt(),
        FullCount = reader.Read7BitEncodedInt(),
        HasFx = reader.ReadByte() != 0,
        Environment = (VectorContent)reader.ReadByte(),
        StackContent = (VectorContent)reader.ReadByte(),
        XmmContent = (VectorContent)reader.ReadByte(),
        DataContent = (VectorContent)reader.ReadByte(),
        DataPhase = reader.ReadUInt16(),
        Overrides =
        [
            .. Enumerable.Range(0, reader.ReadByte()).Select(_ => new VectorOverride(
                reader.ReadByte(), reader.ReadUInt16(), reader.ReadUInt64(), reader.ReadUInt64())),
        ],
    };

    public override string ToString() => $"{Code}: {Decode()} [{Convert.ToHexString(Bytes)}], {Bits} bits";
}
