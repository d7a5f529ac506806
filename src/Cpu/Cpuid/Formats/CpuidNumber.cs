// SPDX-License-Identifier: Apache-2.0

using System.Globalization;

namespace KvmActors.Cpu.Cpuid.Formats;

/// <summary>Numbers as the forms write them, and words of a file as messages quote them.</summary>
internal static class CpuidNumber
{
    /// <summary>Characters of a file that a message quotes at most.</summary>
    private const int QuotedMax = 60;

    private const string HexPrefix = "0x";

    /// <summary>0x and one to eight hexadecimal digits.</summary>
    public static bool TryHex(ReadOnlySpan<char> text, out uint value)
    {
        value = 0;
        return text.StartsWith(HexPrefix, StringComparison.OrdinalIgnoreCase)
            && uint.TryParse(text[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }

    public static string Hex(uint value) => $"0x{value:x8}";

    public static string Quote(ReadOnlySpan<char> text) =>
        text.Length <= QuotedMax ? $"'{text}'" : $"'{text[..QuotedMax]}…'";

    /// <exception cref="CpuidFormatException">The text is longer.</exception>
    public static void Bound(string text, int charactersMax)
    {
        if (text.Length > charactersMax)
        {
            throw new CpuidFormatException(0, $"at most {charactersMax} characters", $"{text.Length}");
        }
    }
}
