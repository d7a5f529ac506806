// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Hypercalls;

namespace KvmActors.Host.Demo;

/// <summary>What <c>demo</c> was asked for.</summary>
/// <param name="GuestImage">Null: the story guest, built for the first node's hypercall instruction.</param>
/// <param name="Rounds">Rounds of the story guest.</param>
/// <param name="MigrateAfter">Retired instructions after which the vCPU moves; null: a quarter of the work.</param>
/// <param name="KillAfter">Retired instructions after which its node is killed; null: two thirds of the work, or some
/// while after the move.</param>
/// <param name="Vendors">Host vendor of node-1, node-2 and node-3.</param>
/// <param name="Store">Address of a PostgreSQL store; null: a file beside the logs.</param>
/// <param name="KeepDirectory">Where the store, the nodes' logs and the image stay; null: a directory that is removed.
/// </param>
internal sealed record DemoOptions(
    string? GuestImage,
    int Rounds,
    ulong? MigrateAfter,
    ulong? KillAfter,
    ImmutableArray<HostVendor> Vendors,
    string? Store,
    string? KeepDirectory,
    bool IsJson)
{
    public const int NodeCount = 3;

    /// <summary>14.5 billion instructions: some seconds of work, so that a guest that works is moved, and no waiting
    /// one.</summary>
    public const int RoundsDefault = 4000;
}
