// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Replay;
using KvmActors.Actors.Vm;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Actors.Saving;

/// <summary>Makes what a VM is restored of, from a moment of another's past.</summary>
public static class VmFork
{
    /// <summary>Rebuilds the other VM at a VM time, which runs on wherever it is, and puts its pages into the store. Of
    /// a fork that is then refused, pages stay there that nobody names: the next collection takes them.</summary>
    /// <param name="name">Of the new VM.</param>
    /// <param name="onNode">Name of the node it is to be made on; null for the one that is asked.</param>
    /// <exception cref="ArgumentOutOfRangeException">The journal does not tell of that VM time.</exception>
    /// <exception cref="KeyNotFoundException">There is no such VM.</exception>
    /// <exception cref="StoreCorruptException">The journal cannot be replayed.</exception>
    /// <exception cref="StoreUnavailableException">The store did not take a page.</exception>
    public static async Task<VmDraft> DraftAsync(
        IStore store,
        VmId vm,
        ulong vmTime,
        VmId name,
        string? onNode,
        IGuestFactory guests,
        TimeProvider clock,
        CancellationToken cancellationToken)
    {
        using PastGuest past = await PastGuest.OpenAsync(store, vm, vmTime, guests, clock, cancellationToken);
        ImmutableArray<PageReference> pages = await past.StorePagesAsync(store, cancellationToken);
        IGuest guest = past.Guest;
        VmOrigin origin = new(
            VmOriginKind.Fork,
            vm,
            guest.VmTime,
            guest.InstructionsRetired,
            past.Console.End,
            guest.HashState(),
            guest.SumMemory());
        var created = (JournalEvent.VmCreated)past.History.Events
            .First(next => next.Event is JournalEvent.VmCreated).Event;
        return new VmDraft(
            name,
            created with { Origin = origin },
            guest.Save(),
            pages,
            past.Console.Read(past.Console.Start, ConsoleLog.BytesMax),
            onNode);
    }
}
