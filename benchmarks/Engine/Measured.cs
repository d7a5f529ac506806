// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Benchmarks.Engine;

/// <summary>A line of the second table.</summary>
/// <param name="What">What was measured.</param>
/// <param name="Goal">What is wanted; empty if nothing is.</param>
/// <param name="Ours">With its unit.</param>
/// <param name="Peer">QEMU's, or empty.</param>
/// <param name="IsMet">Whether the goal is met; null without one.</param>
internal sealed record Measured(string What, string Goal, string Ours, string Peer, bool? IsMet);
