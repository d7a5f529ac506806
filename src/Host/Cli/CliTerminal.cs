// SPDX-License-Identifier: Apache-2.0

using System.Text;

namespace KvmActors.Host.Cli;

/// <summary>Where a verb writes and reads. Results go to <see cref="Out"/>, everything about them to
/// <see cref="Error"/>.</summary>
/// <param name="output">Standard output as bytes: a guest's console must not pass through an encoding.</param>
/// <param name="isOutTerminal">A person reads standard output, so that tables may have colours.</param>
/// <param name="isErrorTerminal">A person reads standard error, so that progress may be drawn there.</param>
/// <param name="noColour">NO_COLOR is set and not empty: https://no-color.org.</param>
internal sealed class CliTerminal(
    Stream input, Stream output, Stream error, bool isOutTerminal, bool isErrorTerminal, bool noColour)
{
    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false);

    public Stream Input { get; } = input;

    public Stream Output { get; } = output;

    public TextWriter Out { get; } = new StreamWriter(output, s_utf8) { AutoFlush = true };

    public TextWriter Error { get; } = new StreamWriter(error, s_utf8) { AutoFlush = true };

    public bool IsOutTerminal { get; } = isOutTerminal;

    public bool IsErrorTerminal { get; } = isErrorTerminal;

    public static CliTerminal OfProcess() => new(
        Console.OpenStandardInput(),
        Console.OpenStandardOutput(),
        Console.OpenStandardError(),
        !Console.IsOutputRedirected,
        !Console.IsErrorRedirected,
        noColour: !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")));

    /// <summary>The same terminal with standard error for results: where a table is on standard output.</summary>
    public CliTerminal ErrorAsOut() => new(Input, error, error, IsErrorTerminal, IsErrorTerminal, noColour);

    /// <summary>True where <see cref="Out"/> may have colours.</summary>
    public bool HasColour => IsOutTerminal && !noColour;
}
