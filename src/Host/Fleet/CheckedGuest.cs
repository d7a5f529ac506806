// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Cpuid;
using KvmActors.Host.Control;
using KvmActors.Host.Control.V1;

namespace KvmActors.Host.Fleet;

/// <summary>The guest of a check: its table, and what it has read.</summary>
/// <param name="Word">How the command line calls it.</param>
/// <param name="Table">The guest's table.</param>
/// <param name="Record">Whose record of readings it is; null if there is none.</param>
/// <param name="Observed">What the guest has read.</param>
internal sealed record CheckedGuest(
    string Word, CpuidTable Table, string? Record, ImmutableArray<CpuidObservation> Observed)
{
    /// <summary>The table is the vCPU's own, and <see cref="Word"/> the vCPU.</summary>
    public bool IsTableOfVcpu { get; private init; }

    /// <summary>The command that makes a table which this guest's and a host's can both offer.</summary>
    public string BaselineWith(string host) => IsTableOfVcpu
        ? $"kvmactors vcpu cpuid get {Word} | kvmactors cpuid baseline - {host}"
        : $"kvmactors cpuid baseline {Word} {host}";

    /// <param name="word">The table; null: that of the running vCPU.</param>
    /// <param name="file">A record of readings, or null.</param>
    /// <param name="vcpu">A running vCPU, or null.</param>
    /// <param name="connect">Finds the cluster of the vCPU.</param>
    /// <param name="input">Standard input.</param>
    /// <param name="stop">Cancels the question to the node.</param>
    /// <exception cref="CliFault">Too little or too much is named, or it does not read.</exception>
    public static async Task<CheckedGuest> LoadAsync(
        string? word, string? file, string? vcpu, Func<ControlClient> connect, Stream input, CancellationToken stop)
    {
        if (word is null && vcpu is null)
        {
            throw new CliFault(
                "Expected the table of a guest, found none. Name a TABLE, or a running vCPU with --vcpu VM/INDEX.",
                exitCode: CliFault.Usage);
        }

        if (file is not null && vcpu is not null)
        {
            throw new CliFault(
                "Expected one record of what the guest has read, found --observed and --vcpu. Leave one out.",
                exitCode: CliFault.Usage);
        }

        CpuidTable? table = word is null ? null : CpuidTableSource.LoadDetails(word, input).Table;
        if (file is not null)
        {
            var record = ObservedRecord.Read(file);
            return new CheckedGuest(word!, table!, record.Vcpu, record.Observed);
        }

        if (vcpu is null)
        {
            return new CheckedGuest(word!, table!, null, []);
        }

        using ControlClient client = connect();
        VcpuStatus status = await client.CallAsync(
            ControlMethods.ShowVcpu, new ShowVcpuRequest { Vcpu = vcpu }, stop).ConfigureAwait(false);
        var running = VcpuCpuid.Of(status);
        return new CheckedGuest(word ?? running.Name, table ?? running.Table, running.Name, running.Observed)
        {
            IsTableOfVcpu = word is null,
        };
    }
}
