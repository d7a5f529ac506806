// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace KvmActors.Torture;

/// <summary>What the test did and saw, with monotonic times, which all processes of this machine share.</summary>
internal sealed class RunLog
{
    private readonly List<(long At, string Who, string What)> _lines = [];
    private readonly long _begun = Stopwatch.GetTimestamp();

    /// <summary>In nanoseconds of CLOCK_MONOTONIC.</summary>
    public IReadOnlyList<(long AtNs, string Who, string What)> Lines
    {
        get
        {
            lock (_lines)
            {
                return [.. _lines.Select(line => (NsOf(line.At), line.Who, line.What))];
            }
        }
    }

    public void Add(string who, string what)
    {
        lock (_lines)
        {
            _lines.Add((Stopwatch.GetTimestamp(), who, what));
        }
    }

    public string Text(Func<string, bool> isWanted)
    {
        StringBuilder text = new();
        lock (_lines)
        {
            foreach ((long at, string who, string what) in _lines.Where(line => isWanted(line.Who)))
            {
                double seconds = Stopwatch.GetElapsedTime(_begun, at).TotalSeconds;
                text.AppendLine(string.Create(
                    CultureInfo.InvariantCulture, $"{seconds,8:0.000} {who,-10} {what}"));
            }
        }

        return text.ToString();
    }

    private static long NsOf(long timestamp) => timestamp * (1_000_000_000 / Stopwatch.Frequency);
}
