// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Machine;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Actors.Cluster;

/// <summary>A VM to be made of a moment of another VM's past, whose pages are in the store.</summary>
/// <param name="Created">With its origin, whose state hash and memory sum the new guest must have.</param>
/// <param name="Pages">Every page that is not zero.</param>
/// <param name="Console">The last bytes that it had put out.</param>
/// <param name="OnNode">Name of the node to make it on; null for the node that was asked.</param>
public sealed record VmDraft(
    VmId Name,
    JournalEvent.VmCreated Created,
    MachineState Machine,
    ImmutableArray<PageReference> Pages,
    ReadOnlyMemory<byte> Console,
    string? OnNode)
{
    /// <inheritdoc cref="Persistence.Journal.StoreTransaction.PagesSince"/>
    public ulong PagesSince { get; init; }
}
