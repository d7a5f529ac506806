// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.TestKit.Simulation;

/// <summary>How a node answers what arrives on its link. Runs on the node's executor.</summary>
public delegate ValueTask<ReadOnlyMemory<byte>> LinkHandler(
    ReadOnlyMemory<byte> request, CancellationToken cancellationToken);
