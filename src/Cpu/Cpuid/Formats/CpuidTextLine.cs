// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid.Formats;

/// <summary>One entry's line of <see cref="CpuidText"/>.</summary>
internal static class CpuidTextLine
{
    private const string FlagsWord = "flags=";
    private const string PaddingWord = "padding=";

    /// <param name="line">Without its comment and without white space around it.</param>
    /// <param name="number">Counted from 1.</param>
    /// <exception cref="CpuidFormatException">The line does not read.</exception>
    public static CpuidEntry Read(ReadOnlySpan<char> line, int number)
    {
        ReadOnlySpan<char> rest = line;
        uint leaf = Hex(ref rest, "", "a leaf as 0x00000000", number);
        uint subleaf = Hex(ref rest, "", "a subleaf as 0x00", number);
        uint eax = Hex(ref rest, "eax=", "eax=0x followed by hexadecimal digits", number);
        uint ebx = Hex(ref rest, "ebx=", "ebx=0x followed by hexadecimal digits", number);
        uint ecx = Hex(ref rest, "ecx=", "ecx=0x followed by hexadecimal digits", number);
        uint edx = Hex(ref rest, "edx=", "edx=0x followed by hexadecimal digits", number);
        rest = rest.Trim();
        return rest.IsEmpty
            ? new CpuidEntry(leaf, subleaf, CpuidEntryFlags.None, eax, ebx, ecx, edx)
            : throw new CpuidFormatException(number, "the end of the line after edx", CpuidNumber.Quote(rest));
    }

    /// <summary>Takes flags and padding from the comment behind an entry, if it has them.</summary>
    /// <returns>False if the comment is only a comment.</returns>
    /// <exception cref="CpuidFormatException">Flags or padding do not read.</exception>
    public static bool TryReadExtra(ReadOnlySpan<char> comment, int number, ref CpuidEntry entry)
    {
        ReadOnlySpan<char> rest = comment.Trim();
        if (!rest.StartsWith(FlagsWord))
        {
            return false;
        }

        var flags = (CpuidEntryFlags)Hex(ref rest, FlagsWord, "flags=0x followed by hexadecimal digits", number);
        entry = entry with { Flags = flags };
        rest = rest.Trim();
        if (!rest.StartsWith(PaddingWord))
        {
            return true;
        }

        ReadOnlySpan<char> words = rest[PaddingWord.Length..];
        Span<Range> parts = stackalloc Range[4];
        if (words.Split(parts, ',') == 3
            && CpuidNumber.TryHex(words[parts[0]], out uint first)
            && CpuidNumber.TryHex(words[parts[1]], out uint second)
            && CpuidNumber.TryHex(words[parts[2]], out uint third))
        {
            entry = entry with { Padding0 = first, Padding1 = second, Padding2 = third };
            return true;
        }

        throw new CpuidFormatException(number, "padding=0x0,0x0,0x0", CpuidNumber.Quote(rest));
    }

    private static uint Hex(ref ReadOnlySpan<char> rest, string prefix, string expected, int number)
    {
        rest = rest.TrimStart();
        int end = rest.IndexOfAny(' ', '\t');
        ReadOnlySpan<char> word = end < 0 ? rest : rest[..end];
        rest = rest[word.Length..];
        ReadOnlySpan<char> digits = word.StartsWith(prefix) ? word[prefix.Length..].TrimEnd(':') : default;
        return CpuidNumber.TryHex(digits, out uint value)
            ? value
            : throw new CpuidFormatException(
                number, expected, word.IsEmpty ? "the end of the line" : CpuidNumber.Quote(word));
    }
}
