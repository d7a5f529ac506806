// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Fleet;

namespace KvmActors.Host.Fleet;

/// <summary>What <c>cpuid check</c> prints as JSON.</summary>
/// <param name="Verdict"><c>ok</c>, <c>okWithLoss</c> or <c>refused</c>.</param>
/// <param name="Policy"><c>strict</c> or <c>allowUnobserved</c>.</param>
/// <param name="Record">Which vCPU's record was looked at; null if none.</param>
/// <param name="Reasons">Everything that is missing.</param>
internal sealed record CheckReport(
    string Table,
    string Host,
    CpuidVerdict Verdict,
    CpuidLossPolicy Policy,
    string? Record,
    ImmutableArray<CheckReport.Reason> Reasons)
{
    /// <param name="Expected">What the table promises.</param>
    /// <param name="Found">What the host has.</param>
    /// <param name="Observed">True if the guest has read it; null where there is no record.</param>
    public sealed record Reason(
        string Leaf,
        string Subleaf,
        CpuidRegister Register,
        int? Bit,
        string Name,
        uint Expected,
        uint Found,
        CpuidRule Rule,
        bool? Observed,
        ulong? FirstVmTime,
        ulong? Reads);

    public static CheckReport Of(
        string table, string host, CpuidCheck check, CpuidLossPolicy policy, string? record) => new(
        table,
        host,
        check.Verdict,
        policy,
        record,
        [.. check.Reasons.Select(reason => Of(reason, record is not null))]);

    private static Reason Of(CpuidCheckReason reason, bool hasRecord) => new(
        $"0x{reason.Missing.Leaf:x}",
        $"0x{reason.Missing.Subleaf:x}",
        reason.Missing.Register,
        reason.Missing.Bit,
        reason.Missing.Name,
        reason.Missing.A,
        reason.Missing.B,
        reason.Missing.Rule,
        hasRecord ? reason.IsObserved : null,
        reason.Observed?.FirstVmTime,
        reason.Observed?.Reads);
}
