// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using System.Text;

namespace KvmActors.Host.Debug;

/// <summary>Numbers and bytes as gdb writes them: hexadecimal without a prefix.</summary>
internal static class HexText
{
    public static bool TryParse(string text, out ulong value) =>
        ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);

    public static string Of(ulong value) => value.ToString("x", CultureInfo.InvariantCulture);

    public static string Of(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);

    public static string OfText(string text) => Convert.ToHexStringLower(Encoding.UTF8.GetBytes(text));

    /// <summary>Text that came as bytes; null where it is not that.</summary>
    public static string? TextOf(string digits)
    {
        byte[] bytes = new byte[digits.Length / 2];
        return digits.Length % 2 == 0
            && Convert.FromHexString(digits, bytes, out _, out _) == System.Buffers.OperationStatus.Done
            ? Encoding.UTF8.GetString(bytes)
            : null;
    }
}
