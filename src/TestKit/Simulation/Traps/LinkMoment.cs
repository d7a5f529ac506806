// SPDX-License-Identifier: Apache-2.0

using System.Runtime.InteropServices;
using KvmActors.Actors.Cluster;

namespace KvmActors.TestKit.Simulation.Traps;

/// <summary>A call of one node to another, at one stage of its way.</summary>
/// <param name="From">Endpoint of the caller.</param>
/// <param name="To">Endpoint of the other side.</param>
/// <param name="Request">As it was sent.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct LinkMoment(string From, string To, CallStage Stage, ReadOnlyMemory<byte> Request)
{
    /// <summary>Computed at each call.</summary>
    public LinkSummary Summary => LinkSummary.Of(Request);

    public override string ToString() => $"{Stage} {From} -> {To}: {Summary}";
}
