// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence;

namespace KvmActors.Actors.Cluster;

/// <summary>A VM that a node which drains cannot give away now.</summary>
/// <param name="Reason">Sentences.</param>
public sealed record DrainProblem(VmId Vm, string Reason);
