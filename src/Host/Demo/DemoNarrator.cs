// SPDX-License-Identifier: Apache-2.0

using System.Globalization;

namespace KvmActors.Host.Demo;

/// <summary>Tells the story to a person as it happens.</summary>
/// <remarks>Any thread: the guest's console arrives on another one than the story.</remarks>
internal sealed class DemoNarrator(TextWriter target)
{
    /// <summary>Guest console lines shown in one act; the rest are counted.</summary>
    private const int ConsoleLinesShownMax = 6;

    private readonly Lock _lock = new();
    private int _act;
    private int _linesShown;
    private int _linesHidden;

    public void Title(string text)
    {
        lock (_lock)
        {
            target.WriteLine(text);
            target.WriteLine();
        }
    }

    public void Act(string text)
    {
        lock (_lock)
        {
            FlushHidden();
            _linesShown = 0;
            _act++;
            target.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{_act}. {text}"));
        }
    }

    public void Say(string text)
    {
        lock (_lock)
        {
            FlushHidden();
            target.WriteLine($"   {text}");
        }
    }

    /// <summary>A line that the guest has written to its serial port.</summary>
    public void ConsoleLine(string line)
    {
        lock (_lock)
        {
            if (_linesShown >= ConsoleLinesShownMax)
            {
                _linesHidden++;
                return;
            }

            _linesShown++;
            target.WriteLine($"   | {line}");
        }
    }

    public static string Number(ulong value) => value.ToString("N0", CultureInfo.InvariantCulture);

    public static string Milliseconds(double value) =>
        value.ToString(value < 10 ? "0.0" : "0", CultureInfo.InvariantCulture) + " ms";

    private void FlushHidden()
    {
        if (_linesHidden > 0)
        {
            target.WriteLine($"   | … and {_linesHidden} more lines");
            _linesHidden = 0;
        }
    }
}
