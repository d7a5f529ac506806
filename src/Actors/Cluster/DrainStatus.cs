// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Persistence;

namespace KvmActors.Actors.Cluster;

/// <summary>How far a node is that gives away all that it owns.</summary>
/// <param name="Moved">VMs that it moved elsewhere.</param>
/// <param name="Left">VMs that are still to be moved.</param>
/// <param name="Problems">Those of them that could not be moved twice in a row, by name. They are tried again.</param>
/// <param name="IsDone">Nothing is left: the node leaves, or has left.</param>
public sealed record DrainStatus(NodeId Node, int Moved, int Left, ImmutableArray<DrainProblem> Problems, bool IsDone);
