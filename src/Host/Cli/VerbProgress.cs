// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Cli;

/// <summary>One line on how far a long piece of work is, where standard error is a terminal.</summary>
internal sealed class VerbProgress(CliTerminal terminal)
{
    private static readonly TimeSpan s_every = TimeSpan.FromMilliseconds(100);

    private long _shownAt;
    private int _length;

    public void Show(string text)
    {
        if (!terminal.IsErrorTerminal
            || (_length > 0 && TimeProvider.System.GetElapsedTime(_shownAt) < s_every))
        {
            return;
        }

        terminal.Error.Write($"\r{text.PadRight(_length)}");
        terminal.Error.Flush();
        _length = text.Length;
        _shownAt = TimeProvider.System.GetTimestamp();
    }

    public void Clear()
    {
        if (_length > 0)
        {
            terminal.Error.Write($"\r{new string(' ', _length)}\r");
            _length = 0;
        }
    }
}
