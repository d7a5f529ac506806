// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine.Devices;

/// <summary>A date and time as the registers of an MC146818 hold it, to and from seconds since 1970. Pure.</summary>
/// <remarks>Source: MC146818A data sheet, "Time, calendar and alarm locations" and tables 2 and 3. The century is CMOS
/// byte 32h, as PCs have it, always in BCD.</remarks>
internal static class RtcCalendar
{
    public const int Second = 0;
    public const int Minute = 2;
    public const int Hour = 4;
    public const int Weekday = 6;
    public const int Day = 7;
    public const int Month = 8;
    public const int Year = 9;
    public const int Century = 0x32;

    public const ulong SecondsPerDay = 86_400;

    private const byte IsBinary = 0x04;
    private const byte Is24Hours = 0x02;
    private const byte Afternoon = 0x80;
    private const int YearMax = 9900;
    private const int LastDay = 3_652_058;

    /// <summary>True for the registers that tell the time, alarms not counted.</summary>
    public static bool IsTime(int register) =>
        register is Second or Minute or Hour or Weekday or Day or Month or Year or Century;

    /// <summary>What a register shows at a time.</summary>
    /// <param name="format">Register B.</param>
    public static byte Show(int register, ulong seconds, byte daysToWeekday, byte format)
    {
        ulong ofDay = seconds % SecondsPerDay;
        DateOnly date = DateOf(seconds);
        return register switch
        {
            Second => Encode((int)(ofDay % 60), format),
            Minute => Encode((int)(ofDay / 60 % 60), format),
            Hour => EncodeHour((int)(ofDay / 3600), format),
            Weekday => Encode((int)(((seconds / SecondsPerDay) + daysToWeekday) % 7) + 1, format),
            Day => Encode(date.Day, format),
            Month => Encode(date.Month, format),
            Year => Encode(date.Year % 100, format),
            _ => Encode(date.Year / 100, format: 0),
        };
    }

    /// <summary>The time that registers tell. What no calendar has is taken as what comes as far behind: a 31st of
    /// April is the 1st of May, a month 0 is the December before.</summary>
    /// <param name="registers">The bytes by register.</param>
    public static ulong SecondsOf(ReadOnlySpan<byte> registers, byte format)
    {
        int century = Decode(registers[Century], format: 0);
        int year = Math.Clamp((century * 100) + Decode(registers[Year], format), 1970, YearMax);
        long days = new DateOnly(year, 1, 1).AddMonths(Decode(registers[Month], format) - 1).DayNumber
            - new DateOnly(1970, 1, 1).DayNumber
            + Decode(registers[Day], format) - 1;
        long seconds = (days * (long)SecondsPerDay)
            + (DecodeHour(registers[Hour], format) * 3600L)
            + (Decode(registers[Minute], format) * 60L)
            + Decode(registers[Second], format);
        return (ulong)Math.Max(0, seconds);
    }

    /// <summary>What to add to the days since 1970 so that the day of the week is the register's.</summary>
    public static byte DaysToWeekdayOf(byte weekday, ulong seconds, byte format)
    {
        ulong days = seconds / SecondsPerDay % 7;
        return (byte)(((ulong)Decode(weekday, format) + 6 + 7 - days) % 7);
    }

    /// <summary>An alarm byte matches any time if its two upper bits are set.</summary>
    public static bool Matches(byte alarm, int value, bool isHour, byte format)
    {
        const byte AnyTime = 0xC0;
        return (alarm & AnyTime) == AnyTime || alarm == (isHour ? EncodeHour(value, format) : Encode(value, format));
    }

    private static DateOnly DateOf(ulong seconds)
    {
        ulong day = (seconds / SecondsPerDay) + (ulong)new DateOnly(1970, 1, 1).DayNumber;
        return DateOnly.FromDayNumber((int)Math.Min(day, LastDay));
    }

    private static byte Encode(int value, byte format) =>
        (byte)((format & IsBinary) != 0 ? value : ((value / 10) << 4) | (value % 10));

    private static int Decode(byte value, byte format) =>
        (format & IsBinary) != 0 ? value : ((value >> 4) * 10) + (value & 0xF);

    private static byte EncodeHour(int hour, byte format)
    {
        if ((format & Is24Hours) != 0)
        {
            return Encode(hour, format);
        }

        int ofTwelve = hour % 12 == 0 ? 12 : hour % 12;
        return (byte)(Encode(ofTwelve, format) | (hour >= 12 ? Afternoon : 0));
    }

    private static int DecodeHour(byte value, byte format) => (format & Is24Hours) != 0
        ? Decode(value, format)
        : (Decode((byte)(value & ~Afternoon), format) % 12) + ((value & Afternoon) != 0 ? 12 : 0);
}
