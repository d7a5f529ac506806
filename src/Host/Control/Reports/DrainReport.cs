// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Control.V1;

namespace KvmActors.Host.Control.Reports;

/// <summary>How a node's drain ended, as JSON shows it.</summary>
/// <param name="Moved">VMs that it moved elsewhere.</param>
/// <param name="Left">VMs that it still owns.</param>
/// <param name="HasLeft">It is no node of the cluster any more.</param>
internal sealed record DrainReport(
    string Node, uint Moved, uint Left, IReadOnlyList<DrainReport.Stayed> Problems, bool HasLeft)
{
    public static DrainReport Of(DrainNodeReply reply, bool hasLeft) => new(
        reply.NodeId,
        reply.Moved,
        reply.Left,
        [.. reply.Problems.Select(problem => new Stayed(problem.Vm, problem.Reason))],
        hasLeft);

    /// <summary>A VM that could not be moved.</summary>
    internal sealed record Stayed(string Vm, string Reason);
}
