// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Globalization;
using KvmActors.Host.Control.V1;

namespace KvmActors.Host.Control.Reports;

/// <summary>Which leaves and subleaves a guest has read, as JSON shows it.</summary>
/// <param name="Vcpu">"web/0".</param>
internal sealed record ObservedReport(string Vcpu, ImmutableArray<ObservedReport.Reading> Observed)
{
    /// <param name="Leaf">EAX, as 0x and hexadecimal digits.</param>
    /// <param name="Subleaf">ECX; 0 where the entry that answered does not look at it.</param>
    /// <param name="FirstVmTime">In ticks: instructions since the VM's creation.</param>
    public sealed record Reading(string Leaf, string Subleaf, ulong FirstVmTime, ulong Reads);

    public static ObservedReport Of(VcpuStatus vcpu) => new(
        vcpu.Name,
        [
            .. vcpu.CpuidRead.Select(
                read => new Reading(Hex(read.Leaf), Hex(read.Subleaf), read.FirstVmTime, read.Reads)),
        ]);

    private static string Hex(uint value) => "0x" + value.ToString("x", CultureInfo.InvariantCulture);
}
