// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using KvmActors.Actors;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.TestKit;
using KvmActors.TestKit.Simulation;
using Xunit;

namespace KvmActors.Simulation.Tests;

/// <summary>All that clients do to one VM: create it, start it, type into its console, read it, move it about. A client
/// that gets no answer sends the same command again, by any node.</summary>
internal sealed class VmClient(SimulatedCluster cluster, VmId vm, SeededRandom random)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private int _commands;
    private int _vcpus = 1;

    /// <summary>Inputs that were acknowledged.</summary>
    public List<CommandId> Acknowledged { get; } = [];

    public bool HasEnded { get; private set; }

    public int MovesDone { get; private set; }

    public async Task CreateAsync(RunGuest guest)
    {
        _vcpus = guest.Vcpus;
        MachineSpec spec = new(guest.Vcpus, guest.MemoryBytes, HypercallPatchPolicy.Auto, MachineSpec.TurnTicksDefault);
        VmBlueprint blueprint = new(vm, spec, guest.Name, guest.Image, string.Empty, [], OnNode: null);
        await SendAsync(new ControlRequest.CreateVm(NextCommand(), blueprint));
        await SendAsync(new ControlRequest.Order(NextCommand(), vm, new VmCommand.Start()));
    }

    /// <summary>Reads the console to its end.</summary>
    public async Task ReadAsync()
    {
        ulong offset = 0;
        while (!HasEnded)
        {
            ControlReply reply = await AskAsync(
                new ControlRequest.ReadConsole(vm, offset, 1000, TimeSpan.FromMilliseconds(100)));
            if (reply is ControlReply.ConsoleRead read)
            {
                Assert.Equal(offset, read.Offset);
                offset += (ulong)read.Bytes.Length;
                HasEnded = read.IsComplete;
            }
            else
            {
                await WaitAsync(TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(60));
            }
        }
    }

    /// <summary>Types until the guest has ended.</summary>
    public async Task TypeAsync()
    {
        while (!HasEnded)
        {
            await WaitAsync(TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(400));
            CommandId id = NextCommand();
            ImmutableArray<byte> bytes =
                [.. Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{_commands};"))];
            ControlReply reply = await SendAsync(new ControlRequest.Order(id, vm, new VmCommand.Input(bytes)));
            if (reply is ControlReply.Done)
            {
                Assert.True(cluster.Ledger.TimesApplied(id) == 1, $"{id} was acknowledged, and is not in the journal.");
                Acknowledged.Add(id);
            }
        }
    }

    /// <summary>Moves the VM about, and pauses it now and then.</summary>
    public async Task OperateAsync(Func<bool> isOver)
    {
        while (!HasEnded && !isOver())
        {
            await WaitAsync(TimeSpan.FromMilliseconds(200), TimeSpan.FromMilliseconds(1500));
            if (random.Chance(0.3))
            {
                await SendAsync(new ControlRequest.Order(NextCommand(), vm, new VmCommand.Pause()));
                await SendAsync(new ControlRequest.Order(NextCommand(), vm, new VmCommand.Resume()));
                continue;
            }

            string to = cluster.Nodes[random.Next(cluster.Nodes.Count)].Name;
            CommandId id = NextCommand();
            Task<ControlReply> move = SendAsync(_vcpus == 1 && random.Chance(0.5)
                ? new ControlRequest.MigrateVcpu(id, vm.Vcpu(0), to)
                : new ControlRequest.MigrateVm(id, vm, to));
            if (random.Chance(0.2))
            {
                await WaitAsync(TimeSpan.Zero, TimeSpan.FromMilliseconds(300));
                await SendAsync(new ControlRequest.CancelMove(NextCommand(), vm));
            }

            ControlReply reply = await move;
            if (reply is ControlReply.Migrated)
            {
                MovesDone++;
                Assert.True(cluster.Ledger.TimesApplied(id) == 1, $"{id} was acknowledged, and is not in the journal.");
            }
        }
    }

    /// <summary>Looks at the VM through every node in turn. No answer may be older than its question.</summary>
    public async Task LookAsync()
    {
        for (int node = 0; !HasEnded; node++)
        {
            await WaitAsync(TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(200));
            SimulatedNode asked = cluster.Nodes[node % cluster.Nodes.Count];
            await asked.AskAsync(new ControlRequest.ShowVm(vm), s_patience);
        }
    }

    /// <summary>A VM that was paused when the trouble ended would wait for ever.</summary>
    public async Task ResumeAtTheEndAsync()
    {
        while (!HasEnded)
        {
            await WaitAsync(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2));
            if (await AskAsync(new ControlRequest.ShowVm(vm)) is ControlReply.Shown { Status: var status }
                && status.Lifecycle == VmLifecycle.Paused
                && status.Problem is null)
            {
                await SendAsync(new ControlRequest.Order(NextCommand(), vm, new VmCommand.Resume()));
            }
        }
    }

    /// <summary>Sends until somebody can tell what became of it.</summary>
    private async Task<ControlReply> SendAsync(ControlRequest request)
    {
        while (true)
        {
            ControlReply reply = await AskAsync(request);
            bool isUndecided = reply is ControlReply.Refused
            {
                Why.Kind: RefusalKind.Unavailable or RefusalKind.Busy,
            };
            if (!isUndecided || HasEnded)
            {
                return reply;
            }

            await WaitAsync(TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(200));
        }
    }

    private Task<ControlReply> AskAsync(ControlRequest request) =>
        cluster.Nodes[random.Next(cluster.Nodes.Count)].AskAsync(request, s_patience);

    private CommandId NextCommand() => new($"client of {vm}", $"{++_commands}");

    private Task WaitAsync(TimeSpan least, TimeSpan most) =>
        cluster.World.Time.DelayAsync(random.Between(least, most));
}
