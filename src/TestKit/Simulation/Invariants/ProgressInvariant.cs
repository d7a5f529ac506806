// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;

namespace KvmActors.TestKit.Simulation.Invariants;

/// <summary>I10: once all is healed, no guest that is to run stands still for long.</summary>
internal sealed class ProgressInvariant(SimulatedCluster cluster)
    : Invariant("I10", "once all is healed, every guest that is to run gets on")
{
    /// <summary>Longest time without any progress of a guest in a healed cluster: a lease of the longest that a run
    /// may have, grace, a claim, and what is left of the longest waits before them.</summary>
    public static readonly TimeSpan StandsStillMax = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan s_lookEvery = TimeSpan.FromMilliseconds(50);

    private readonly Dictionary<VmId, (ulong VmTime, TimeSpan At, bool Runs)> _guests = [];
    private TimeSpan _nextLook;

    public override void OnCommit(NodeId? writer, StoreTransaction transaction)
    {
        TimeSpan now = cluster.World.Time.Elapsed;
        foreach (JournalRecord record in transaction.Writes[0].Records)
        {
            (ulong VmTime, TimeSpan At, bool Runs) known = _guests.TryGetValue(
                transaction.Vm, out (ulong, TimeSpan, bool) last)
                ? last
                : (0, now, false);
            _guests[transaction.Vm] = record.Kind switch
            {
                EventKind.LifecycleChanged => (record.VmTime, now, IsRunning(record)),
                EventKind.Quarantined => (record.VmTime, now, false),
                _ when record.VmTime > known.VmTime => (record.VmTime, now, known.Runs),
                _ => known,
            };
        }
    }

    public override void OnDeleted(VmId vm, CommandId command) => _guests.Remove(vm);

    public override void OnTailLost() => _guests.Clear();

    public override void OnStep()
    {
        TimeSpan now = cluster.World.Time.Elapsed;
        if (cluster.HealedSince is not { } healed || now < _nextLook)
        {
            return;
        }

        _nextLook = now + s_lookEvery;
        foreach ((VmId vm, (ulong vmTime, TimeSpan at, bool runs)) in _guests)
        {
            if (runs && now - (at > healed ? at : healed) > StandsStillMax)
            {
                Break($"All was healed at {healed}, and {vm} has stood still at VM time {vmTime} since {at}.");
            }
        }
    }

    private static bool IsRunning(JournalRecord record) =>
        ((JournalEvent.LifecycleChanged)EventCodec.Decode(record)).To == VmLifecycle.Running;
}
