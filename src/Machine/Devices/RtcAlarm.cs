// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine.Devices;

/// <summary>When an alarm of the MC146818 comes next. Pure.</summary>
internal static class RtcAlarm
{
    private const int SecondsAlarm = 1;
    private const int MinutesAlarm = 3;
    private const int HoursAlarm = 5;

    /// <summary>Seconds from <paramref name="seconds"/> to the first matching one behind it: 1 to 86,400; or null if
    /// the bytes are no time.</summary>
    /// <param name="registers">The bytes by register.</param>
    /// <param name="format">Register B.</param>
    public static ulong? SecondsUntil(ReadOnlySpan<byte> registers, ulong seconds, byte format)
    {
        int first = (int)((seconds + 1) % RtcCalendar.SecondsPerDay);
        if (FirstFrom(registers, first, format) is { } today)
        {
            return (ulong)(today - first) + 1;
        }

        return FirstFrom(registers, 0, format) is { } tomorrow
            ? (ulong)tomorrow + RtcCalendar.SecondsPerDay - (ulong)first + 1
            : null;
    }

    /// <summary>The first second of the day, at or behind <paramref name="from"/>, that matches.</summary>
    private static int? FirstFrom(ReadOnlySpan<byte> registers, int from, byte format)
    {
        int second = First(registers[SecondsAlarm], 0, 60, isHour: false, format);
        int minute = First(registers[MinutesAlarm], 0, 60, isHour: false, format);
        int hour = First(registers[HoursAlarm], from / 3600, 24, isHour: true, format);
        if (second < 0 || minute < 0 || hour < 0)
        {
            return null;
        }

        if (hour > from / 3600)
        {
            return (hour * 3600) + (minute * 60) + second;
        }

        int laterMinute = First(registers[MinutesAlarm], from / 60 % 60, 60, isHour: false, format);
        int laterSecond = First(registers[SecondsAlarm], from % 60, 60, isHour: false, format);
        if (laterMinute == from / 60 % 60 && laterSecond < 0)
        {
            laterMinute = First(registers[MinutesAlarm], (from / 60 % 60) + 1, 60, isHour: false, format);
        }

        if (laterMinute >= 0)
        {
            return (hour * 3600) + (laterMinute * 60) + (laterMinute == from / 60 % 60 ? laterSecond : second);
        }

        int nextHour = First(registers[HoursAlarm], hour + 1, 24, isHour: true, format);
        return nextHour < 0 ? null : (nextHour * 3600) + (minute * 60) + second;
    }

    private static int First(byte alarm, int from, int end, bool isHour, byte format)
    {
        for (int value = from; value < end; value++)
        {
            if (RtcCalendar.Matches(alarm, value, isHour, format))
            {
                return value;
            }
        }

        return -1;
    }
}
