// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Cli;

namespace KvmActors.Host.Debug;

/// <summary>Numbers in monitor commands.</summary>
internal static class MonitorNumber
{
    /// <summary>An address or a leaf: hexadecimal, with 0x or without.</summary>
    /// <exception cref="CliFault">It is something else.</exception>
    public static ulong Hex(string text, string what)
    {
        string digits = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? text[2..] : text;
        return HexText.TryParse(digits, out ulong value)
            ? value
            : throw new CliFault($"Expected {what} in hexadecimal, found \"{text}\".");
    }

    /// <summary>A count from 1 on.</summary>
    /// <exception cref="CliFault">It is something else.</exception>
    public static int Count(string text, int most) =>
        CountText.TryParse(text, out ulong count) && count >= 1 && count <= (ulong)most
            ? (int)count
            : throw new CliFault($"Expected a count from 1 to {most}, found \"{text}\".");
}
