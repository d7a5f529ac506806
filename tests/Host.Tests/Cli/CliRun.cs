// SPDX-License-Identifier: Apache-2.0

using System.Text;
using KvmActors.Host.Cli;

namespace KvmActors.Host.Tests.Cli;

/// <summary>One run of the program inside of the test's process.</summary>
internal sealed record CliRun(int ExitCode, string Out, string Error)
{
    public static async Task<CliRun> OfAsync(params string[] arguments)
    {
        using var output = new MemoryStream();
        using var error = new MemoryStream();
        var terminal = new CliTerminal(
            Stream.Null, output, error, isOutTerminal: false, isErrorTerminal: false, noColour: false);
        int exitCode = await KvmActorsProgram.RunAsync(arguments, terminal, CancellationToken.None);
        return new CliRun(exitCode, Text(output), Text(error));
    }

    private static string Text(MemoryStream stream) => Encoding.UTF8.GetString(stream.ToArray());
}
