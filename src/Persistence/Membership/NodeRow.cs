// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Membership;

/// <summary>One life of a node.</summary>
/// <param name="Endpoint">Where its link listens: "host:port".</param>
/// <param name="BootId">Names the clock of its lease: the boot of the machine it runs on, or the database; a lease of
/// another clock is over.</param>
/// <param name="LeaseUntilMs">On that clock, in milliseconds.</param>
/// <param name="CpuidTable">The CPUID it offers, vetted, as the JSON of <c>cpuid convert</c>; used by
/// pre-flight.</param>
public sealed record NodeRow(
    NodeId Id,
    string Endpoint,
    string BootId,
    int ProcessId,
    Cpu.Hypercalls.HostVendor HostVendor,
    NodeStatus Status,
    long LeaseUntilMs,
    string CpuidTable);
