// SPDX-License-Identifier: Apache-2.0

using System.Collections.Concurrent;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine;
using KvmActors.Persistence;
using KvmActors.Persistence.Membership;
using KvmActors.Persistence.Sqlite;
using KvmActors.Samples.Guests;
using Microsoft.Extensions.Logging;

namespace KvmActors.Host.Node;

/// <summary>A small VM that is created, moved and taken over on two nodes within this process, on a store of their own:
/// what a real guest would wait for is compiled by then, because .NET compiles code when it first runs.</summary>
/// <remarks>Nothing of it reaches the node's store, its peers, or a socket. It takes some seconds of one core.
/// </remarks>
internal sealed class Rehearsal : INodeLink, INodeDeathProbe, IClusterObserver
{
    private const int Moves = 6;
    private const int Deaths = 3;
    private const uint FilledBytes = 1 << 20;
    private const uint TicksPerPage = 300;
    private const ulong SnapshotTicks = 20_000_000;

    /// <summary>A machine that needs longer has nothing to spare for it.</summary>
    private static readonly TimeSpan s_most = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan s_lookAgainAfter = TimeSpan.FromMilliseconds(10);
    private static readonly VmId s_vm = VmId.Parse("rehearsal");

    private readonly ConcurrentDictionary<string, ClusterNode> _nodes = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<NodeId, bool> _dead = new();
    private readonly IStore _store;
    private readonly IGuestFactory _guests;
    private readonly CpuidTable _cpuid;
    private readonly HostVendor _vendor;
    private ulong _commands;

    private Rehearsal(IStore store, IGuestFactory guests, CpuidTable cpuid, HostVendor vendor)
    {
        _store = store;
        _guests = guests;
        _cpuid = cpuid;
        _vendor = vendor;
    }

    /// <summary>One that fails is logged, and keeps the node from nothing.</summary>
    public static async Task TryAsync(
        ClusterNodeOptions own, IGuestFactory guests, ILogger log, CancellationToken stop)
    {
        try
        {
            TimeSpan took = await Task.Run(() => RunAsync(guests, own.OfferedCpuid, own.HostVendor, stop), stop)
                .ConfigureAwait(false);
            log.Rehearsed(took.TotalMilliseconds);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The node ends.
        }
        catch (Exception fault) when (fault is InvalidOperationException or OperationCanceledException or IOException
            or StoreUnavailableException or StoreOpenException or UnauthorizedAccessException)
        {
            log.RehearsalFailed(fault.Message);
        }
    }

    /// <param name="guests">What makes the node's guests.</param>
    /// <param name="cpuid">What the node offers them.</param>
    /// <returns>How long it took.</returns>
    /// <exception cref="InvalidOperationException">The VM came to something that it should not.</exception>
    /// <exception cref="OperationCanceledException">It was asked to stop, or took longer than a minute.</exception>
    /// <exception cref="StoreUnavailableException">Its store, in the folder for temporary files, cannot be used.
    /// </exception>
    public static async Task<TimeSpan> RunAsync(
        IGuestFactory guests, CpuidTable cpuid, HostVendor vendor, CancellationToken stop)
    {
        long begun = TimeProvider.System.GetTimestamp();
        using var late = CancellationTokenSource.CreateLinkedTokenSource(stop);
        late.CancelAfter(s_most);
        DirectoryInfo folder = Directory.CreateTempSubdirectory("kvmactors-rehearsal-");
        try
        {
            SqliteStoreOptions options = new() { Synchronous = SqliteSynchronous.Normal };
            IStore store = await SqliteStore.OpenAsync(
                Path.Combine(folder.FullName, "store.db"), options, TimeProvider.System, late.Token)
                .ConfigureAwait(false);
            await using (store.ConfigureAwait(false))
            {
                await new Rehearsal(store, guests, cpuid, vendor).PlayAsync(late.Token).ConfigureAwait(false);
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        return TimeProvider.System.GetElapsedTime(begun);
    }

    ValueTask<ReadOnlyMemory<byte>> INodeLink.CallAsync(
        string endpoint, ReadOnlyMemory<byte> request, CancellationToken cancellationToken) =>
        _nodes.TryGetValue(endpoint, out ClusterNode? node)
            ? new ValueTask<ReadOnlyMemory<byte>>(node.HandleLinkAsync(request, cancellationToken))
            : throw new LinkException($"{endpoint} is dead.", LinkOutcome.NotSent);

    bool INodeDeathProbe.IsProvenDead(NodeRow node) => _dead.ContainsKey(node.Id);

    void IClusterObserver.On(ClusterEvent happened)
    {
        // What this VM comes to shows in what its nodes answer.
    }

    private async Task PlayAsync(CancellationToken stop)
    {
        try
        {
            await JoinAsync("first", stop).ConfigureAwait(false);
            await JoinAsync("second", stop).ConfigureAwait(false);
            await CreateAsync(stop).ConfigureAwait(false);
            for (int move = 0; move < Moves; move++)
            {
                string to = move % 2 == 0 ? "second" : "first";
                await AskAsync(to, new ControlRequest.MigrateVm(NextCommand(), s_vm, to), stop).ConfigureAwait(false);
            }

            for (int death = 0; death < Deaths; death++)
            {
                (string dies, string lives) = death % 2 == 0 ? ("first", "second") : ("second", "first");
                await WaitForMoreConsoleAsync(lives, stop).ConfigureAwait(false);
                await OrderAsync(lives, new VmCommand.TakeSnapshot(), stop).ConfigureAwait(false);
                await KillAsync(dies).ConfigureAwait(false);
                await WaitForMoreConsoleAsync(lives, stop).ConfigureAwait(false);
                await JoinAsync(dies, stop).ConfigureAwait(false);
            }

            await OrderAsync("first", new VmCommand.Delete(Force: true), stop).ConfigureAwait(false);
        }
        finally
        {
            foreach (ClusterNode node in _nodes.Values)
            {
                node.Abandon();
                await node.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    private async Task JoinAsync(string name, CancellationToken stop)
    {
        ClusterNodeOptions options = new(name, name, Environment.ProcessId, _vendor, _cpuid)
        {
            SnapshotIntervalTicks = SnapshotTicks,
            WatchEvery = TimeSpan.FromMilliseconds(50),
        };
        ClusterNode node = new(options, new ClusterNodeServices(
            _store,
            TimeProvider.System,
            TaskScheduler.Default,
            this,
            vm => new GuestThread(vm),
            _guests,
            this,
            this));
        _nodes[name] = node;
        while (await node.StartAsync(stop).ConfigureAwait(false) is RegisterResult.NameTaken)
        {
            // Its predecessor is about to be declared dead.
            await Task.Delay(s_lookAgainAfter, stop).ConfigureAwait(false);
        }
    }

    private async Task KillAsync(string name)
    {
        _nodes.Remove(name, out ClusterNode? node);
        NodeId id = node!.Id;
        node.Abandon();
        await node.DisposeAsync().ConfigureAwait(false);
        _dead[id] = true;
    }

    private async Task CreateAsync(CancellationToken stop)
    {
        MachineSpec spec = new(
            VcpuCount: 1,
            DirtyGuest.FilledFrom + (2 * FilledBytes),
            HypercallPatchPolicy.Patch,
            MachineSpec.TurnTicksDefault);
        VmBlueprint blueprint = new(
            s_vm, spec, "rehearsal", DirtyGuest.Build(FilledBytes, TicksPerPage), string.Empty, [], OnNode: null);
        await AskAsync("first", new ControlRequest.CreateVm(NextCommand(), blueprint), stop).ConfigureAwait(false);
        await OrderAsync("first", new VmCommand.Start(), stop).ConfigureAwait(false);
        await WaitForMoreConsoleAsync("second", stop).ConfigureAwait(false);
    }

    /// <summary>The guest writes a dot from time to time as long as it lives.</summary>
    private async Task WaitForMoreConsoleAsync(string node, CancellationToken stop)
    {
        ulong? offset = null;
        while (true)
        {
            ControlRequest.ReadConsole read = new(s_vm, offset ?? 0, ControlRequest.ConsoleReadBytesMax, TimeSpan.Zero);
            ControlReply reply = await _nodes[node].ControlAsync(read, s_most, stop).ConfigureAwait(false);
            if (reply is ControlReply.ConsoleRead { Bytes.IsEmpty: false } more)
            {
                ulong end = more.Offset + (ulong)more.Bytes.Length;
                if (offset is not null && end > offset)
                {
                    return;
                }

                offset = end;
            }
            else
            {
                // Nothing yet, or the VM is between two owners.
                offset ??= 0;
                await Task.Delay(s_lookAgainAfter, stop).ConfigureAwait(false);
            }
        }
    }

    private Task OrderAsync(string node, VmCommand command, CancellationToken stop) =>
        AskAsync(node, new ControlRequest.Order(NextCommand(), s_vm, command), stop);

    private async Task AskAsync(string node, ControlRequest request, CancellationToken stop)
    {
        ControlReply reply = await _nodes[node].ControlAsync(request, s_most, stop).ConfigureAwait(false);
        if (reply is ControlReply.Refused { Why: var why })
        {
            throw new InvalidOperationException($"{request.GetType().Name}: {why.Sentence}");
        }
    }

    private CommandId NextCommand() => new("rehearsal", $"{++_commands}");
}
