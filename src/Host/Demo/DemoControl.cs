// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using Google.Protobuf;
using KvmActors.Cpu.Cpuid;
using KvmActors.Host.Control;
using KvmActors.Host.Control.V1;
using KvmActors.Host.Rpc;

namespace KvmActors.Host.Demo;

/// <summary>The demo as a client of the cluster: it talks to one node, which finds the VM wherever it is.</summary>
internal sealed class DemoControl : IAsyncDisposable
{
    public const string VmName = "demo";

    public const string Vcpu = VmName + "/0";

    private static readonly TimeSpan s_pollEvery = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan s_reconnectAfter = TimeSpan.FromMilliseconds(50);

    private readonly ControlClient _client;
    private readonly ConsoleLines _console;
    private readonly CancellationTokenSource _stop;
    private Task _following = Task.CompletedTask;

    /// <param name="endpoint">HOST:PORT of a node that stays alive.</param>
    public DemoControl(string endpoint, ConsoleLines console, CancellationToken stop)
    {
        _client = new ControlClient(endpoint);
        _console = console;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(stop);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _following.ContinueWith(
            static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default)
            .ConfigureAwait(false);
        _client.Dispose();
        _stop.Dispose();
    }

    /// <param name="nodes">Names; the VM is created on the first and gets the CPUID that all can offer.</param>
    public Task<VmStatus> CreateAsync(DemoGuest guest, IReadOnlyList<string> nodes)
    {
        CreateVmRequest request = new()
        {
            Command = _client.NextCommand(),
            Name = VmName,
            Image = ByteString.CopyFrom(guest.Image),
            ImageName = guest.Name,
            CommandLine = DemoGuest.CommandLine,
            MemoryBytes = DemoGuest.MemoryBytes,
            Vcpus = 1,
            HypercallPatch = "auto",
            Cpuid = new CpuidChoice { Nodes = new CpuidChoice.Types.Nodes() },
            OnNode = nodes[0],
        };
        request.Cpuid.Nodes.Names.AddRange(nodes);
        return _client.CallAsync(ControlMethods.CreateVm, request, _stop.Token);
    }

    public async Task<CpuidTable> ShowCpuidAsync()
    {
        VcpuStatus vcpu = await _client.CallAsync(
            ControlMethods.ShowVcpu, new ShowVcpuRequest { Vcpu = Vcpu }, _stop.Token).ConfigureAwait(false);
        return VcpuCpuid.Of(vcpu).Table;
    }

    /// <summary>Starts the guest, and follows its console from its first byte on.</summary>
    public async Task<VmStatus> StartAsync()
    {
        VmStatus started = await _client.CallAsync(
            ControlMethods.StartVm,
            new VmCommandRequest { Command = _client.NextCommand(), Name = VmName },
            _stop.Token).ConfigureAwait(false);
        _following = Task.Run(FollowConsoleAsync, CancellationToken.None);
        return started;
    }

    /// <param name="after">Instructions after which the move was to begin.</param>
    /// <exception cref="CliFault">The guest ended before the move did: one that has no gate.</exception>
    public async Task<Move> MigrateAsync(string toNode, ulong after)
    {
        try
        {
            MigrateVcpuReply reply = await _client.CallAsync(
                ControlMethods.MigrateVcpu,
                new MigrateVcpuRequest { Command = _client.NextCommand(), Vcpu = Vcpu, ToNode = toNode },
                _stop.Token).ConfigureAwait(false);
            return reply.Move;
        }
        catch (RpcException fault) when (fault.Status == RpcStatus.FailedPrecondition)
        {
            VmStatus status = await ShowAsync().ConfigureAwait(false);
            throw status.End.Length == 0
                ? fault
                : new CliFault(
                    $"Expected a guest that runs until its move is over, found one that ended after "
                    + $"{status.Instructions} instructions, while the move asked for at {after} was under way: the "
                    + "guest runs on while its memory is copied. Choose a smaller --migrate-after or a longer guest.",
                    fault);
        }
    }

    /// <summary>Types at the guest's console. The node that is asked finds the VM.</summary>
    public async Task SendKeyAsync(byte key) => _ = await _client.CallAsync(
        ControlMethods.SendInput,
        new SendInputRequest
        {
            Command = _client.NextCommand(),
            Name = VmName,
            Data = ByteString.CopyFrom(key),
        },
        _stop.Token).ConfigureAwait(false);

    private Task<VmStatus> ShowAsync() =>
        _client.CallAsync(ControlMethods.ShowVm, new ShowVmRequest { Name = VmName }, _stop.Token);

    /// <summary>Asks for the VM's status until it is as wanted.</summary>
    /// <exception cref="CliFault">The guest ended before, or it took too long.</exception>
    public async Task<VmStatus> FollowUntilAsync(string what, Func<VmStatus, bool> isThere, TimeSpan limit)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            VmStatus status = await ShowAsync().ConfigureAwait(false);
            if (isThere(status))
            {
                return status;
            }

            if (status.End.Length > 0 || clock.Elapsed > limit)
            {
                throw new CliFault(
                    $"Expected {what} within {limit.TotalSeconds:0} s, found the VM {status.State} on {status.Owner} "
                    + "after "
                    + $"{status.Instructions} instructions. {status.End}{status.Problem}");
            }

            await Task.Delay(s_pollEvery, _stop.Token).ConfigureAwait(false);
        }
    }

    /// <summary>Waits for the last byte of the console and the end of the guest.</summary>
    public async Task<VmStatus> FollowToTheEndAsync(TimeSpan limit)
    {
        VmStatus last = await FollowUntilAsync(
            "the guest to come to its end", status => status.End.Length > 0, limit).ConfigureAwait(false);
        await _following.WaitAsync(limit, _stop.Token).ConfigureAwait(false);
        return last;
    }

    private async Task FollowConsoleAsync()
    {
        while (true)
        {
            ConsoleRequest request = new() { Name = VmName, FromOffset = _console.Offset, Follow = true };
            try
            {
                await foreach (ConsoleChunk chunk in _client.StreamAsync(
                    ControlMethods.Console, request, _stop.Token).ConfigureAwait(false))
                {
                    _console.Take(chunk.Offset, chunk.Data.Span);
                    if (chunk.IsLast)
                    {
                        return;
                    }
                }
            }
            catch (RpcException)
            {
                // Cut off by the move or the kill: ask again behind the last byte received.
            }

            await Task.Delay(s_reconnectAfter, _stop.Token).ConfigureAwait(false);
        }
    }
}
