// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using System.Text;
using KvmActors.Persistence.Membership;

namespace KvmActors.Persistence.Sqlite;

/// <summary>What the holder of the writer lock writes into the lock file: "pid start-time boot-id serial", so that a
/// waiter can tell who holds it, and whether it still moves.</summary>
/// <param name="StartTicks">Start time of the process in clock ticks after boot: with the process id it names one
/// process of this boot. Source: proc(5), /proc/pid/stat, field 22.</param>
/// <param name="Serial">Counts this holder's commits.</param>
internal sealed record LockHolder(int ProcessId, ulong StartTicks, string BootId, ulong Serial)
{
    /// <summary>Every stamp has this length, so that a later one covers an earlier one wholly.</summary>
    internal const int StampBytes = 128;

    private const int StateField = 0;
    private const int StartTicksField = 19;

    /// <summary>This process, before its first commit.</summary>
    internal static LockHolder Self()
    {
        (_, ulong startTicks) = ReadProcess(Environment.ProcessId)
            ?? throw new PlatformNotSupportedException(
                "Expected /proc/self/stat to tell when this process began, found none.");
        return new LockHolder(Environment.ProcessId, startTicks, LeaseClock.ReadBootId(), Serial: 0);
    }

    /// <returns>State letter and start time of a process, or null where there is none. Source: proc(5).</returns>
    internal static (char State, ulong StartTicks)? ReadProcess(int processId)
    {
        string text;
        try
        {
            text = File.ReadAllText($"/proc/{processId.ToString(CultureInfo.InvariantCulture)}/stat");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return null;
        }

        // The name in parentheses may hold blanks and parentheses itself: fields count from behind the last one.
        string[] fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
        return (fields[StateField][0], ulong.Parse(fields[StartTicksField], CultureInfo.InvariantCulture));
    }

    internal byte[] ToStamp()
    {
        string text = string.Create(CultureInfo.InvariantCulture, $"{ProcessId} {StartTicks} {BootId} {Serial}");
        return Encoding.ASCII.GetBytes(text.PadRight(StampBytes - 1) + '\n');
    }

    /// <returns>Null where the bytes are no stamp: nobody ever held the lock, or it was stopped while
    /// writing.</returns>
    internal static LockHolder? Parse(ReadOnlySpan<byte> stamp)
    {
        string[] fields = Encoding.ASCII.GetString(stamp).Trim().Split(' ');
        return fields.Length == 4
            && int.TryParse(fields[0], CultureInfo.InvariantCulture, out int processId)
            && ulong.TryParse(fields[1], CultureInfo.InvariantCulture, out ulong startTicks)
            && ulong.TryParse(fields[3], CultureInfo.InvariantCulture, out ulong serial)
            ? new LockHolder(processId, startTicks, fields[2], serial)
            : null;
    }
}
