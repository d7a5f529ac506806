// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Actors.Kernel;
using KvmActors.Persistence;

namespace KvmActors.Actors.Vm;

/// <summary>Console input that waits for a slice, and who is to be told once it is durable.</summary>
internal sealed record PendingInput(CommandId Command, ImmutableArray<byte> Bytes, string Reply, ActorRef? Sender);
