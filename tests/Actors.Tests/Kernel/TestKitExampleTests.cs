// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Kernel;
using KvmActors.TestKit;
using KvmActors.TestKit.Simulation;
using Xunit;

namespace KvmActors.Actors.Tests.Kernel;

/// <summary>The example of docs/testing.md.</summary>
public sealed class TestKitExampleTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_greeter_answers_after_its_hour_of_thought(ulong seed)
    {
        SimulatedWorld world = new(seed);                                     // one thread, virtual time
        ActorSystem system = world.StartProcess("node").StartActorSystem();
        TestProbe probe = new(system);
        ActorRef greeter = system.Spawn("greeter", Props.Of(() => new Greeter()));

        probe.Send(greeter, "Ada");

        world.Run(() => probe.ExpectMsgAsync("Hello, Ada.", TimeSpan.FromHours(2)));  // takes milliseconds
    }

    private sealed class Greeter : Actor
    {
        public override async ValueTask ReceiveAsync(object message)
        {
            await Context.System.Clock.DelayAsync(TimeSpan.FromHours(1));
            Context.Reply($"Hello, {message}.");
        }
    }
}
