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
    public static FaultPlan Swarm(SeededRandom random) => new(
        Kills: random.Chance(0.6),
        Freezes: random.Chance(0.5),
        Cuts: random.Chance(0.5),
        StoreOutages: random.Chance(0.4),
        ClockDrift: random.Chance(0.5),
        Link: random.Chance(0.5) ? LinkFaults.Harsh : LinkFaults.None,
        Store: random.Chance(0.5) ? StoreFaults.Harsh : StoreFaults.None);

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
            (ClockDrift, "clock drift"),
            (Link != LinkFaults.None, "bad links"),
            (Store != StoreFaults.None, "bad store"),
        ];
        string[] on = [.. faults.Where(fault => fault.IsOn).Select(fault => fault.Word)];
        return on.Length > 0 ? string.Join(", ", on) : "no trouble";
    }
}
