// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Host.Debug;

/// <summary>One of the commands behind gdb's <c>monitor</c>.</summary>
/// <param name="Usage">Its word, and what may stand behind it.</param>
/// <param name="WordsMax">How many words may stand behind it.</param>
/// <param name="Run">From the words behind the first to the text that gdb shows. What a person can put right is a
/// <see cref="CliFault"/>.</param>
internal sealed record MonitorCommand(
    string Usage,
    string Summary,
    int WordsMax,
    Func<ImmutableArray<string>, CancellationToken, Task<string>> Run)
{
    public string Word => Usage.Split(' ')[0];

    /// <summary>A command that needs no time.</summary>
    public static MonitorCommand Of(
        string usage, string summary, int wordsMax, Func<ImmutableArray<string>, string> run) =>
        new(usage, summary, wordsMax, (words, _) => Task.FromResult(run(words)));
}
