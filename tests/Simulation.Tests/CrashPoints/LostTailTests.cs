// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Actors.Vm;
using KvmActors.Persistence;
using KvmActors.Persistence.InMemory;
using KvmActors.Persistence.Ownership;
using KvmActors.TestKit.Simulation;
using Xunit;

namespace KvmActors.Simulation.Tests.CrashPoints;

/// <summary>The store comes back without what it had acknowledged last: crash point N8.</summary>
public sealed class LostTailTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void N8_a_store_that_lost_an_acknowledged_tail_halts_the_vm_until_an_operator_decides(bool wasAway) =>
        Scene.Play(async scene =>
        {
            InMemoryStoreCopy copy = scene.Cluster.Store.Copy();
            CommandId input = scene.NextCommand();
            Assert.IsType<ControlReply.Done>(await scene.TypeAsync(scene.One, input));
            scene.Cluster.IsStoreOut = wasAway;
            await scene.PassAsync(TimeSpan.FromSeconds(1));

            await scene.Cluster.LoseTailAsync(copy);
            scene.ForgetAcknowledged();
            scene.Cluster.IsStoreOut = false;

            await scene.UntilAsync(() => scene.Row.State == StreamRowState.Quarantined, "a halt");
            TimeSpan halted = scene.World.Time.Elapsed;
            Assert.Null(scene.Row.Owner);
            Assert.IsType<ControlReply.Refused>(await scene.TypeAsync(scene.One, input));
            await scene.PassAsync(TimeSpan.FromSeconds(10));
            Assert.True(scene.Cluster.LastRun(Scene.Vm)!.Value.At <= halted, "The guest ran on.");
            Assert.DoesNotContain(scene.Cluster.Nodes, node => node.Runs(Scene.Vm));

            Assert.IsType<ControlReply.Done>(
                await scene.Two.AskAsync(new ControlRequest.ReleaseVm(Scene.Vm), s_patience));

            SimulatedNode next = await scene.RunsUnderAsync(epoch: 2);
            Assert.IsType<ControlReply.Done>(await next.AskAsync(
                new ControlRequest.Order(scene.NextCommand(), Scene.Vm, new VmCommand.Resume()), s_patience));
            await scene.EndsWellAsync(next, epoch: 2);
        });
}
