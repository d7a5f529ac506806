// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Membership;

namespace KvmActors.Actors.Cluster;

/// <summary>A node that may take a VM of one that drains.</summary>
/// <param name="FreeBytes">Guest memory that it has left, less what is on its way there.</param>
public sealed record DrainTarget(NodeRow Node, long FreeBytes);
