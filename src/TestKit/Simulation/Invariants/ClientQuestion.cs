// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Persistence;

namespace KvmActors.TestKit.Simulation.Invariants;

/// <summary>What a client asked.</summary>
/// <param name="Node">Name of the node it asked.</param>
/// <param name="EpochAtLeast">Of the VM when it asked: no answer may be of an older one.</param>
/// <param name="DurableAtLeast">VM time that some client knew to be durable when it asked.</param>
public sealed record ClientQuestion(string Node, ControlRequest Request, Epoch? EpochAtLeast, ulong DurableAtLeast);
