// SPDX-License-Identifier: Apache-2.0

using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using KvmActors.Host.Cli;

namespace KvmActors.Host.Tests.Debug;

/// <summary><c>debug gdb</c>, inside of the test's process, while it serves.</summary>
internal sealed class DebugVerbRun : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop;
    private readonly MemoryStream _error;
    private readonly JsonDocument _report;

    private DebugVerbRun(CancellationTokenSource stop, MemoryStream error, JsonDocument report, Task<int> exitCode)
    {
        _stop = stop;
        _error = error;
        _report = report;
        ExitCode = exitCode;
        Port = int.Parse(
            Report("address").Split(':')[1], System.Globalization.CultureInfo.InvariantCulture);
    }

    public int Port { get; }

    /// <summary>Done when the server has ended.</summary>
    public Task<int> ExitCode { get; }

    public string Error => Encoding.UTF8.GetString(_error.ToArray());

    /// <summary>Starts it, and waits until it listens.</summary>
    public static async Task<DebugVerbRun> StartAsync(params string[] arguments)
    {
        Pipe output = new();
        MemoryStream error = new();
        CancellationTokenSource stop = new();
        CliTerminal terminal = new(
            Stream.Null, output.Writer.AsStream(), error, isOutTerminal: false, isErrorTerminal: false, noColour: true);
        Task<int> running = Task.Run(() => KvmActorsProgram.RunAsync(
            ["debug", "gdb", .. arguments, "--port", "0", "--json"], terminal, stop.Token));
        _ = running.ContinueWith(_ => output.Writer.Complete(), TaskScheduler.Default);
        using StreamReader reader = new(output.Reader.AsStream());
        StringBuilder json = new();
        while (await reader.ReadLineAsync() is { } line)
        {
            json.AppendLine(line);
            if (line == "}")
            {
                return new DebugVerbRun(stop, error, JsonDocument.Parse(json.ToString()), running);
            }
        }

        throw new InvalidOperationException(
            $"Expected a server, found exit code {await running}: {Encoding.UTF8.GetString(error.ToArray())}");
    }

    public string Report(string name) => _report.RootElement.GetProperty(name).GetString()!;

    public Task<GdbRun> GdbAsync(string? symbols, params string[] commands) =>
        GdbRun.OfAsync(Port, symbols, commands);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await ExitCode;
        _stop.Dispose();
        _report.Dispose();
        await _error.DisposeAsync();
    }
}
