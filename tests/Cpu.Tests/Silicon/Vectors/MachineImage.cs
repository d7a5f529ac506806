// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Tests.Silicon.Vectors;

/// <summary>All that an instruction can see and change, as words of 64 bits, before it or behind it.</summary>
internal sealed class MachineImage
{
    /// <summary>Behind the instruction, where a taken branch leads, or what a fault saved.</summary>
    public const int Rip = 0;
    public const int Gprs = 1;

    /// <summary>The first 416 bytes of the FXSAVE64 image: all of it that has a meaning.</summary>
    public const int Fx = 17;
    public const int FxCount = 52;
    public const int Mxcsr = Fx + 3;
    public const int Data = Fx + FxCount;
    public const int DataCount = SiliconLayout.DataBytes / 8;
    public const int Stack = Data + DataCount;
    public const int StackCount = SiliconLayout.StackBytes / 8;

    /// <summary>The end of the page before the one that is not there.</summary>
    public const int Edge = Stack + StackCount;
    public const int EdgeCount = VectorLayout.EdgeBytes / 8;

    /// <summary>CR2 behind a page fault, else 0.</summary>
    public const int Cr2 = Edge + EdgeCount;

    /// <summary>What a fault pushed, else 0.</summary>
    public const int ErrorCode = Cr2 + 1;
    public const int Count = ErrorCode + 1;

    private const int StackRegisters = Fx + 4;
    private const int XmmRegisters = StackRegisters + 16;
    private const byte HasFaulted = 0x80;
    private const uint DigestMask = 0xFF_FFFF;

    // FCW, FSW, FTW, a reserved byte, FOP.
    private const ulong FxHeadMask = 0xFFFF_00FF_FFFF_FFFF;

    public ulong[] Words { get; } = new ulong[Count];

    /// <summary>RFLAGS; of a fault, as it saved them.</summary>
    public ulong Flags { get; set; }

    /// <summary>The vector of the fault or trap; null if the instruction retired without one.</summary>
    public byte? Fault { get; set; }

    /// <summary>The flags that are compared, a bit each; or, behind a fault, its vector with bit 7 set.</summary>
    public byte Status => Fault is { } vector ? (byte)(HasFaulted | vector) : PackFlags(Flags);

    public static bool IsFault(byte status) => (status & HasFaulted) != 0;

    public static byte VectorOf(byte status) => (byte)(status & ~HasFaulted);

    /// <summary>CF, PF, AF, ZF, SF, DF, OF from bit 0 on.</summary>
    public static byte PackFlags(ulong flags) => (byte)(
        (flags & 1) | ((flags >> 1) & 2) | ((flags >> 2) & 4) | ((flags >> 3) & 0x18)
        | ((flags >> 5) & 0x20) | ((flags >> 5) & 0x40));

    public static ulong UnpackFlags(byte packed) =>
        (packed & 1ul) | ((packed & 2ul) << 1) | ((packed & 4ul) << 2) | ((packed & 0x18ul) << 3)
        | ((packed & 0x20ul) << 5) | ((packed & 0x40ul) << 5);

    /// <summary>24 bits of all that changed; 0 if nothing did.</summary>
    public static uint Digest(MachineImage before, MachineImage after)
    {
        ulong digest = 0;
        ReadOnlySpan<ulong> first = before.Words;
        ReadOnlySpan<ulong> second = after.Words;
        int at = first.CommonPrefixLength(second);
        while (at < Count)
        {
            digest = SplitMix64.Mix(digest ^ second[at]) + ((ulong)at * SplitMix64.Increment);
            at++;
            at += first[at..].CommonPrefixLength(second[at..]);
        }

        return (uint)(digest ^ (digest >> 32)) & DigestMask;
    }

    /// <summary>Takes away what an FXSAVE image has and nobody defines.</summary>
    public void MaskFx()
    {
        Words[Fx] &= FxHeadMask;
        Words[Mxcsr] &= uint.MaxValue;
        for (int place = 0; place < 8; place++)
        {
            Words[StackRegisters + (2 * place) + 1] &= ushort.MaxValue;
        }
    }

    public void CopyFrom(MachineImage other)
    {
        other.Words.CopyTo(Words, 0);
        Flags = other.Flags;
        Fault = other.Fault;
    }

    public static string NameOf(int word) => word switch
    {
        Rip => "RIP",
        Cr2 => "CR2",
        ErrorCode => "error code",
        Mxcsr => "MXCSR",
        Fx => "FOP:FTW:FSW:FCW",
        Fx + 1 => "FIP",
        Fx + 2 => "FDP",
        < Fx => ((Gpr)(word - Gprs)).ToString().ToUpperInvariant(),
        < XmmRegisters => $"ST{(word - StackRegisters) / 2}{HalfOf(word - StackRegisters)}",
        < Data => $"XMM{(word - XmmRegisters) / 2}{HalfOf(word - XmmRegisters)}",
        < Stack => $"data+{(word - Data) * 8:x}",
        < Edge => $"stack{((word - Stack) * 8) - (SiliconLayout.StackBytes / 2):+#;-#;+0}",
        _ => $"edge-{(Cr2 - word) * 8}",
    };

    /// <summary>What is different, in words; null if nothing is.</summary>
    public string? DifferenceTo(MachineImage found, ulong undefinedFlags)
    {
        if (Fault != found.Fault)
        {
            return $"expected {NameOf(Fault)}, found {NameOf(found.Fault)}";
        }

        List<string> differences = [];
        ulong compared = SiliconResult.ComparedFlags & ~undefinedFlags;
        if (Fault is null && ((Flags ^ found.Flags) & compared) != 0)
        {
            differences.Add($"flags: expected {NamesOf(Flags & compared)}, found {NamesOf(found.Flags & compared)}");
        }

        for (int word = 0; word < Count; word++)
        {
            if (Words[word] != found.Words[word])
            {
                differences.Add($"{NameOf(word)}: expected {Words[word]:x}, found {found.Words[word]:x}");
            }
        }

        return differences.Count == 0 ? null : string.Join("; ", differences);
    }

    public static string NameOf(byte? fault) => fault is { } vector ? $"a fault with vector {vector}" : "no fault";

    public static string NamesOf(ulong flags)
    {
        (string Name, int Bit)[] names =
            [("CF", 0), ("PF", 2), ("AF", 4), ("ZF", 6), ("SF", 7), ("DF", 10), ("OF", 11)];
        string text = string.Join(' ', names.Where(flag => (flags >> flag.Bit & 1) != 0).Select(flag => flag.Name));
        return text.Length == 0 ? "none" : text;
    }

    private static string HalfOf(int word) => word % 2 == 0 ? " low" : " high";
}
