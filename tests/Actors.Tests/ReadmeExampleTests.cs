// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Kernel;
using KvmActors.TestKit;
using KvmActors.TestKit.Simulation;
using Xunit;

namespace KvmActors.Actors.Tests;

/// <summary>The example in the README, as it stands there: a test compares the two.</summary>
public sealed class ReadmeExampleTests
{
    [Fact]
    public void Tea_takes_four_minutes_and_the_test_takes_none()
    {
        SimulatedWorld world = new(seed: 7);
        ActorSystem system = world.StartProcess("kitchen").StartActorSystem();
        world.Run(async () =>
        {
            TestProbe probe = new(system);
            probe.Send(system.Spawn("kettle", Props.Of(() => new Kettle())), "tea, please");
            await probe.ExpectNoMsgAsync(during: TimeSpan.FromMinutes(3.9));
            await probe.ExpectMsgAsync("tea", within: TimeSpan.FromMinutes(0.2));
        });
    }

    private sealed class Kettle : Actor
    {
        public override async ValueTask ReceiveAsync(object message)
        {
            await Context.System.Clock.DelayAsync(TimeSpan.FromMinutes(4));
            Context.Reply("tea");
        }
    }
}
