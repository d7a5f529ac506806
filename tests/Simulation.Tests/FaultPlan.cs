// SPDX-License-Identifier: Apache-2.0

using KvmActors.TestKit;
using KvmActors.TestKit.Simulation;

namespace KvmActors.Simulation.Tests;

/// <summary>Which faults one run has. Each is in about half of the runs: faults that are always all on hide each
/// other.</summary>
/// <remarks>Source: swarm testing, Groce et al., ISSTA 2012.</remarks>
internal sealed record FaultPlan(
    bool Kills, bool Freezes, bool Cuts, bool StoreOutages, bool ClockDrift, LinkFaults Link, StoreFaults Store)
{
    /// <summary>Nobody reaches the store for a while.</summary>
    public bool WholeOutages { get; init; }

    /// <summary>Every timeout and interval that a node is configured with is some other than the usual one.</summary>
    public bool Jitter { get; init; }

    /// <summary>Death is proved by file locks, as on one machine; else only leases tell.</summary>
    public bool HasFileLocks { get; init; } = true;

    public static FaultPlan Swarm(SeededRandom random) => new(
        Kills: random.Chance(0.6),
        Freezes: random.Chance(0.5),
        Cuts: random.Chance(0.5),
        StoreOutages: random.Chance(0.4),
        ClockDrift: random.Chance(0.5),
        Link: random.Chance(0.5) ? LinkFaults.Harsh : LinkFaults.None,
        Store: random.Chance(0.5) ? StoreFaults.Harsh : random.Chance(0.2) ? StoreFaults.Slow : StoreFaults.None)
    {
        WholeOutages = random.Chance(0.3),
        Jitter = random.Chance(0.5),
        HasFileLocks = random.Chance(0.6),
    };

    public static FaultPlan Quiet { get; } = new(
        Kills: false,
        Freezes: false,
        Cuts: false,
        StoreOutages: false,
        ClockDrift: false,
        LinkFaults.None,
        StoreFaults.None);

    /// <summary>The faults that are on, in a few words.</summary>
    public override string ToString()
    {
        (bool IsOn, string Word)[] faults =
        [
            (Kills, "kills"),
            (Freezes, "freezes"),
            (Cuts, "cuts"),
            (StoreOutages, "store outages"),
            (WholeOutages, "outages of the whole store"),
            (ClockDrift, "clock drift"),
            (Jitter, "odd timeouts"),
            (!HasFileLocks, "no file locks"),
            (Link != LinkFaults.None, "bad links"),
            (Store == StoreFaults.Slow, "a slow disk"),
            (Store == StoreFaults.Harsh, "bad store"),
        ];
        string[] on = [.. faults.Where(fault => fault.IsOn).Select(fault => fault.Word)];
        return on.Length > 0 ? string.Join(", ", on) : "no trouble";
    }
}
