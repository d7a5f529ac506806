// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Membership;

/// <summary>One life of a node.</summary>
/// <param name="Endpoint">Where its link listens: "host:port".</param>
/// <param name="BootId">The boot of the machine it runs on: a lease of another boot is over.</param>
/// <param name="LeaseUntilMs">Monotonic clock of that boot, in milliseconds.</param>
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
