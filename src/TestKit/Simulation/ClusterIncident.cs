// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;

namespace KvmActors.TestKit.Simulation;

/// <summary>Something that a node of a <see cref="SimulatedCluster"/> reported.</summary>
/// <param name="At">Virtual time.</param>
public sealed record ClusterIncident(TimeSpan At, string Node, ClusterEvent Event);
