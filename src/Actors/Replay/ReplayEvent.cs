// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence;
using KvmActors.Persistence.Events;

namespace KvmActors.Actors.Replay;

/// <summary>One journaled event with its place.</summary>
public sealed record ReplayEvent(StreamId Stream, ulong Seq, Epoch Epoch, ulong VmTime, JournalEvent Event);
