// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Host.Demo;
using KvmActors.Host.Tests.Node;

namespace KvmActors.Torture.Cluster;

/// <summary>One node by its name: a process in its network namespace, and the next one as soon as that has ended, for
/// whatever reason.</summary>
internal sealed class TortureNode(int number, string config, string folder, RunLog log) : IDisposable
{
    private const int Port = 5101;

    private static readonly TimeSpan s_startAgainAfter = TimeSpan.FromMilliseconds(300);

    /// <summary>Ends that trouble explains; a killed process says nothing.</summary>
    private static readonly string[] s_expected =
    [
        "found it declared dead", "Expected no live node named", "Expected the store", "gave no answer",
        "SQLite", "store", "PostgreSQL", "No space left", "Kestrel",
    ];

    private readonly Lock _lock = new();
    private readonly List<string> _unexpected = [];
    private TaskCompletionSource _up = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private NodeProcess? _process;
    private Task _keeping = Task.CompletedTask;
    private bool _isStopping;
    private int _lives;

    public int Number => number;

    public string Name => string.Create(CultureInfo.InvariantCulture, $"node-{number}");

    /// <summary>HOST:PORT, the same for all its lives.</summary>
    public string Endpoint => $"{NodeNetwork.AddressOf(number)}:{Port.ToString(CultureInfo.InvariantCulture)}";

    public int Lives => _lives;

    /// <summary>Ends of processes that no trouble explains, and faults that a node reported of itself.</summary>
    public IReadOnlyList<string> Unexpected
    {
        get
        {
            lock (_lock)
            {
                return [.. _unexpected];
            }
        }
    }

    /// <summary>Done when the process of now has joined.</summary>
    public Task UpAsync()
    {
        lock (_lock)
        {
            return _up.Task;
        }
    }

    public void Start() => _keeping = KeepAsync();

    /// <returns>The process id; null where there is no process now.</returns>
    public int? ProcessId
    {
        get
        {
            lock (_lock)
            {
                return _process?.Id;
            }
        }
    }

    public void Kill()
    {
        lock (_lock)
        {
            _process?.Signal("KILL");
        }
    }

    /// <summary>SIGSTOP.</summary>
    public void Freeze()
    {
        lock (_lock)
        {
            _process?.Signal("STOP");
        }
    }

    /// <summary>SIGCONT.</summary>
    public void Thaw()
    {
        lock (_lock)
        {
            _process?.Signal("CONT");
        }
    }

    /// <summary>SIGTERM, and no other process behind this one.</summary>
    public async Task StopAsync()
    {
        lock (_lock)
        {
            _isStopping = true;
            _process?.Terminate();
        }

        await _keeping;
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _isStopping = true;
            _process?.Signal("KILL");
        }
    }

    private async Task KeepAsync()
    {
        while (true)
        {
            lock (_lock)
            {
                if (_isStopping)
                {
                    return;
                }

                _lives++;
                _process = new NodeProcess(
                    NodeNetwork.Inside(number),
                    ["node", "run", "--config", config, "--node", Name, "--until-input-ends", "--json"]);
            }

            await LiveAsync(_process);
            await Task.Delay(s_startAgainAfter);
        }
    }

    private async Task LiveAsync(NodeProcess process)
    {
        Task<(int ExitCode, string Errors)> exit = process.ExitAsync();
        Task<string?> ready = process.ReadyAsync();
        if (await Task.WhenAny(ready, exit) == ready && await ready is { } line)
        {
            log.Add(Name, $"up at {ReadyLine.EndpointOf(line)}, process {process.Id}");
            lock (_lock)
            {
                _up.TrySetResult();
            }
        }

        (int exitCode, string errors) = await exit;
        await File.AppendAllTextAsync(Path.Combine(folder, $"{Name}.log"), $"--- life {_lives}\n{errors}");
        string last = errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .LastOrDefault(text => text.StartsWith("kvmactors:", StringComparison.Ordinal)) ?? "";
        log.Add(Name, $"ended with exit code {exitCode} {last}");
        lock (_lock)
        {
            Judge(exitCode, last, errors);
            _process = null;
            if (_up.Task.IsCompleted)
            {
                _up = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }

        process.Dispose();
    }

    private void Judge(int exitCode, string last, string errors)
    {
        const int Killed = 128 + 9;
        bool isExplained = exitCode is 0 or Killed
            || s_expected.Any(text => last.Contains(text, StringComparison.Ordinal));
        if (!isExplained)
        {
            string end = errors[Math.Max(0, errors.Length - 2000)..];
            _unexpected.Add($"{Name}, life {_lives}, exit code {exitCode}: {end}");
        }

        // Of what a log calls an error, trouble explains a node's own death, and calls of one that died meanwhile.
        _unexpected.AddRange(errors.Split('\n')
            .Where(text => text.Contains("should not", StringComparison.Ordinal)
                || text.Contains("Mismatch", StringComparison.Ordinal)
                || (text.Contains("Z error ", StringComparison.Ordinal)
                    && !text.Contains("was declared dead by others", StringComparison.Ordinal)
                    && !text.Contains("The client reset the request stream", StringComparison.Ordinal)))
            .Select(text => $"{Name}, life {_lives}: {text}"));
    }
}
