// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Persistence.InMemory;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;

namespace KvmActors.Simulation.Tests.Mutations;

/// <summary>The guards of the protocol, each switched off alone, unless another one stands behind it: then both are,
/// and the name says so.</summary>
internal static class AllMutations
{
    public static IReadOnlyList<Mutation> All { get; } =
    [
        new("the head is not compared")
        {
            Rules = Fence(static (expected, current) => expected with
            {
                HeadSeq = current.HeadSeq,
                HeadHash = current.HeadHash,
            }),
        },
        new("owner and epoch are not compared")
        {
            Rules = Fence(static (expected, current) => expected with
            {
                Owner = current.Owner,
                Epoch = current.Epoch,
            }),
        },
        new("a hand-over does not compare migration, state and head, and its target reads stale rows")
        {
            Rules = Fence(static (expected, current) => expected.State != StreamRowState.Moving
                ? expected
                : expected with
                {
                    State = current.State,
                    Migration = current.Migration,
                    HeadSeq = current.HeadSeq,
                    HeadHash = current.HeadHash,
                }),
            NodeStore = static (_, store) => new StaleRowsStore(store),
        },
        new("rows are not compared at all")
        {
            Rules = StoreRules.Default with
            {
                Fence = static (write, current) => write.Expected is null && current is not null
                    ? new CommitResult.AlreadyExists(write.Next.Stream)
                    : null,
            },
        },
        new("a claim does not ask whether the owner is dead, and suspicion counts as death")
        {
            Rules = StoreRules.Default with { Claim = static (_, _, _, _, _) => null },
            NodeStore = static (cluster, store) => new SuspiciousStore(cluster, store),
        },
        new("leases that ran out while the store was away count")
        {
            ServerStore = static (cluster, store) => new HastyStore(cluster, store),
        },
        new("a stopped process counts as dead") { TakesStoppedForDead = true },
        new("the gate never closes") { Gates = static _ => new LeaseGate(new StoppedClock()) },
        new("the gate looks at its clock now and then") { Gates = static clock => new LeaseGate(new LazyClock(clock)) },
        new("the gate closes 1.5 s late") { Gates = static clock => new LeaseGate(new LateClock(clock)) },
        new("replies are not kept") { ServerStore = static (_, store) => new ForgetfulStore(store) },
        new("a commit counts before it is durable")
        {
            NodeStore = static (cluster, store) => new WriteBehindStore(cluster, store),
        },
        new("a commit without an answer counts as done")
        {
            NodeStore = static (_, store) => new TrustingStore(store, asCommitted: true),
        },
        new("a commit without an answer counts as not done")
        {
            NodeStore = static (_, store) => new TrustingStore(store, asCommitted: false),
        },
        new("an abort counts before the row has taken it")
        {
            NodeStore = static (_, store) => new AbortingStore(store),
        },
        new("a renewal revives the dead")
        {
            ServerStore = static (cluster, store) => new RevivingStore(cluster, store),
        },
    ];

    private static StoreRules Fence(Func<StreamRow, StreamRow, StreamRow> agree) => StoreRules.Default with
    {
        Fence = (write, current) => StoreRules.Default.Fence(
            write.Expected is null || current is null
                ? write
                : write with { Expected = agree(write.Expected, current) },
            current),
    };
}
