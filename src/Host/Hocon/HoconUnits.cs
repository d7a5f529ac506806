// SPDX-License-Identifier: Apache-2.0

using System.Collections.Frozen;
using System.Globalization;

namespace KvmActors.Host.Hocon;

/// <summary>Durations and sizes: a number and a unit. Without a unit, milliseconds and bytes.</summary>
/// <remarks>Source: HOCON.md of lightbend/config, "Units format". Units are case-sensitive: <c>m</c> is minutes in a
/// duration, and <c>kB</c> is 1000 bytes where <c>K</c>, <c>k</c>, <c>Ki</c> and <c>KiB</c> are 1024.</remarks>
internal static class HoconUnits
{
    public const string DurationAdvice = "Write a number and ns, us, ms, s, m, h or d, as in 300ms.";

    public const string SizeAdvice =
        "Write a number and B, kB, MB, GB (1000) or K, M, G, KiB, MiB, GiB (1024), as in 64M.";

    private const decimal NanosecondsPerTick = 100;

    private static readonly FrozenDictionary<string, decimal> s_nanoseconds = Table(
        ("ns nano nanos nanosecond nanoseconds", 1m),
        ("us micro micros microsecond microseconds", 1_000m),
        ("ms milli millis millisecond milliseconds", 1_000_000m),
        ("s second seconds", 1_000_000_000m),
        ("m minute minutes", 60_000_000_000m),
        ("h hour hours", 3_600_000_000_000m),
        ("d day days", 86_400_000_000_000m));

    private static readonly FrozenDictionary<string, decimal> s_bytes = Table(
        ("B b byte bytes", 1m),
        ("kB kilobyte kilobytes", 1e3m),
        ("MB megabyte megabytes", 1e6m),
        ("GB gigabyte gigabytes", 1e9m),
        ("TB terabyte terabytes", 1e12m),
        ("PB petabyte petabytes", 1e15m),
        ("K k Ki KiB kibibyte kibibytes", 1024m),
        ("M m Mi MiB mebibyte mebibytes", 1024m * 1024),
        ("G g Gi GiB gibibyte gibibytes", 1024m * 1024 * 1024),
        ("T t Ti TiB tebibyte tebibytes", 1024m * 1024 * 1024 * 1024),
        ("P p Pi PiB pebibyte pebibytes", 1024m * 1024 * 1024 * 1024 * 1024));

    /// <summary>Nanoseconds below 100 are cut off: a <see cref="TimeSpan"/> has no finer tick.</summary>
    public static bool TryParseDuration(string text, out TimeSpan duration)
    {
        duration = default;
        if (!TryParse(text, s_nanoseconds, "ms", out decimal nanoseconds))
        {
            return false;
        }

        decimal ticks = decimal.Truncate(nanoseconds / NanosecondsPerTick);
        if (ticks < long.MinValue || ticks > long.MaxValue)
        {
            return false;
        }

        duration = new TimeSpan((long)ticks);
        return true;
    }

    /// <summary>Whole bytes, 0 or more.</summary>
    public static bool TryParseSize(string text, out ulong bytes)
    {
        bytes = 0;
        if (!TryParse(text, s_bytes, "B", out decimal size) || size < 0 || size > ulong.MaxValue)
        {
            return false;
        }

        bytes = (ulong)size;
        return bytes == size;
    }

    private static bool TryParse(
        string text, FrozenDictionary<string, decimal> units, string unitDefault, out decimal value)
    {
        value = 0;
        string trimmed = text.Trim();
        int letters = 0;
        while (letters < trimmed.Length && char.IsLetter(trimmed[^(letters + 1)]))
        {
            letters++;
        }

        string unit = letters == 0 ? unitDefault : trimmed[^letters..];
        const NumberStyles Style = NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign;
        if (!units.TryGetValue(unit, out decimal factor)
            || !decimal.TryParse(trimmed[..^letters].TrimEnd(), Style, CultureInfo.InvariantCulture, out decimal number)
            || Math.Abs(number) > decimal.MaxValue / factor)
        {
            return false;
        }

        value = number * factor;
        return true;
    }

    private static FrozenDictionary<string, decimal> Table(params ReadOnlySpan<(string Names, decimal Factor)> units)
    {
        Dictionary<string, decimal> table = new(StringComparer.Ordinal);
        foreach ((string names, decimal factor) in units)
        {
            foreach (string name in names.Split(' '))
            {
                table.Add(name, factor);
            }
        }

        return table.ToFrozenDictionary(StringComparer.Ordinal);
    }
}
