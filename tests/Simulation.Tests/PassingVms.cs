// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Actors;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine;
using KvmActors.Persistence;
using KvmActors.TestKit;
using KvmActors.TestKit.Simulation;

namespace KvmActors.Simulation.Tests;

/// <summary>VMs that are made, run a little, and are deleted again, under the same name each time.</summary>
internal sealed class PassingVms(SimulatedCluster cluster, SeededRandom random)
{
    private static readonly VmId s_vm = VmId.Parse("passing");
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);
    private int _commands;

    public async Task LiveAsync(RunGuest guest, Func<bool> isOver)
    {
        while (!isOver())
        {
            MachineSpec spec = new(1, guest.MemoryBytes, HypercallPatchPolicy.Auto, MachineSpec.TurnTicksDefault);
            VmBlueprint blueprint = new(s_vm, spec, guest.Name, guest.Image, string.Empty, [], OnNode: null);
            await SendAsync(new ControlRequest.CreateVm(Next(), blueprint), isOver);
            if (random.Chance(0.7))
            {
                await SendAsync(new ControlRequest.Order(Next(), s_vm, new VmCommand.Start()), isOver);
            }

            await WaitAsync(TimeSpan.Zero, TimeSpan.FromSeconds(1));
            await SendAsync(new ControlRequest.Order(Next(), s_vm, new VmCommand.Delete(Force: true)), isOver);
        }
    }

    private async Task SendAsync(ControlRequest request, Func<bool> isOver)
    {
        while (!isOver())
        {
            ControlReply reply = await cluster.Nodes[random.Next(cluster.Nodes.Count)].AskAsync(request, s_patience);
            if (reply is not ControlReply.Refused { Why.Kind: RefusalKind.Unavailable or RefusalKind.Busy })
            {
                return;
            }

            await WaitAsync(TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(200));
        }
    }

    private CommandId Next() => new("client of passing VMs", (++_commands).ToString(CultureInfo.InvariantCulture));

    private Task WaitAsync(TimeSpan least, TimeSpan most) =>
        cluster.World.Time.DelayAsync(random.Between(least, most));
}
