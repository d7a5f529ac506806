// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Persistence;
using KvmActors.Persistence.InMemory;
using KvmActors.TestKit.Simulation;

namespace KvmActors.Simulation.Tests.Mutations;

/// <summary>One guard of the protocol switched off, by what a node is given from outside.</summary>
/// <param name="Guard">What is off.</param>
internal sealed record Mutation(string Guard)
{
    public StoreRules Rules { get; init; } = StoreRules.Default;

    public Func<SimulatedCluster, IStore, IStore> NodeStore { get; init; } = static (_, store) => store;

    public Func<SimulatedCluster, IStore, IStore> ServerStore { get; init; } = static (_, store) => store;

    public Func<TimeProvider, LeaseGate> Gates { get; init; } = static clock => new LeaseGate(clock);

    public bool TakesStoppedForDead { get; init; }

    public override string ToString() => Guard;
}
