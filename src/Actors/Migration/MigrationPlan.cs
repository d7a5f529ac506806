// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Membership;

namespace KvmActors.Actors.Migration;

/// <summary>What a source knows when a move begins.</summary>
/// <param name="Command">The command that asked for it.</param>
/// <param name="Stream">Of the VM or the vCPU that it was sent to.</param>
internal sealed record MigrationPlan(
    MigrationKey Key,
    CommandId Command,
    StreamId Stream,
    NodeRow Target,
    JournalEvent.VmCreated Vm,
    ImmutableArray<GuestCpuid> Cpuid,
    MoveWatch Watch);
