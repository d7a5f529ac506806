// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Text;

namespace KvmActors.Cpu.Cpuid.Names;

/// <summary>Text that CPUID spells in registers, four characters in each, the first in the lowest byte.</summary>
internal static class CpuidCharacters
{
    /// <summary>The characters up to the first zero, without blanks at the ends.</summary>
    public static string Of(params ReadOnlySpan<uint> registers)
    {
        Span<byte> bytes = stackalloc byte[registers.Length * 4];
        for (int i = 0; i < registers.Length; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes[(i * 4)..], registers[i]);
        }

        int end = bytes.IndexOf((byte)0);
        return string.Concat(Encoding.Latin1.GetString(end < 0 ? bytes : bytes[..end]).Select(Printable)).Trim();
    }

    /// <summary>All four characters of one register between quotation marks.</summary>
    public static string Quoted(uint register) => string.Concat(
        "\"",
        string.Concat(Enumerable.Range(0, 4).Select(i => (char)(byte)(register >> (8 * i)))
            .Select(letter => letter is >= ' ' and <= '~' ? $"{letter}" : letter == '\0' ? "" : ".")),
        "\"");

    private static char Printable(char letter) => letter is >= ' ' and <= '~' ? letter : '?';
}
