// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Kernel;
using KvmActors.TestKit;
using KvmActors.TestKit.Simulation;

namespace KvmActors.Actors.Tests.Kernel;

/// <summary>A law of the kernel is tried under several schedules, each from a seed that a failure prints.</summary>
public abstract class KernelTest
{
    private const int SeedsTried = 10;

    protected static void UnderManySchedules(Func<KernelStage, Task> law)
    {
        for (ulong seed = 1; seed <= SeedsTried; seed++)
        {
            SimulatedWorld world = new(seed);
            KernelStage stage = new(world, world.StartProcess("node").StartActorSystem());
            world.Run(() => law(stage));
        }
    }
}

/// <summary>What a law is tried with.</summary>
public sealed record KernelStage(SimulatedWorld World, ActorSystem System)
{
    /// <summary>Spawns an actor that does as <paramref name="receive"/> says.</summary>
    public ActorRef Spawn(string name, Func<IActorContext, object, ValueTask> receive) =>
        System.Spawn(name, Props.Of(() => new ScriptedActor(receive)));

    public ActorRef Spawn(string name, Action<IActorContext, object> receive) =>
        System.Spawn(name, ScriptedActor.Props(receive));

    public TestProbe Probe(string name = "probe") => new(System, name);

    public Task Wait(TimeSpan time) => System.Clock.DelayAsync(time);
}
