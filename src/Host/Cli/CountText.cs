// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using System.Numerics;

namespace KvmActors.Host.Cli;

/// <summary>Counts as people write them: 250000000, 250_000_000, 250,000,000 (as we print it) or 250M.</summary>
internal static class CountText
{
    public const string Advice = "Write digits, or a number and K, M or G (1000, 1000000, 1000000000), as in 250M.";

    /// <summary><c>1 entry</c>, <c>3 entries</c>.</summary>
    /// <param name="many">Null: <paramref name="one"/> and an s.</param>
    public static string Of<T>(T count, string one, string? many = null)
        where T : INumber<T> =>
        string.Create(CultureInfo.InvariantCulture, $"{count} {(T.One.Equals(count) ? one : many ?? one + "s")}");

    /// <summary>Whole numbers from 0 up; the letters are powers of 1000, because nothing here is counted in
    /// powers of 2.</summary>
    public static bool TryParse(string text, out ulong count)
    {
        count = 0;
        ulong factor = text.Length == 0 ? 0 : char.ToUpperInvariant(text[^1]) switch
        {
            'K' => 1_000,
            'M' => 1_000_000,
            'G' => 1_000_000_000,
            _ => 1UL,
        };
        string digits = factor > 1 ? text[..^1] : text;
        if (digits.Length == 0 || !char.IsAsciiDigit(digits[0]) || !char.IsAsciiDigit(digits[^1]))
        {
            return false;
        }

        string plain = digits.Replace("_", "", StringComparison.Ordinal).Replace(",", "", StringComparison.Ordinal);
        if (!decimal.TryParse(plain, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal number)
            || number > ulong.MaxValue / factor)
        {
            return false;
        }

        decimal whole = number * factor;
        count = (ulong)whole;
        return count == whole;
    }
}
