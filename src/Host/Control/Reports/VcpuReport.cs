// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Globalization;
using KvmActors.Host.Control.V1;

namespace KvmActors.Host.Control.Reports;

/// <summary>A vCPU as JSON shows it. Registers and CPUID words are hexadecimal texts.</summary>
internal sealed record VcpuReport(
    string Name,
    string? Owner,
    ulong Epoch,
    string HostVendor,
    ulong VmTime,
    string Activity,
    ulong Instructions,
    OrderedDictionary<string, string> Registers,
    ImmutableArray<VcpuReport.CpuidWords> Cpuid,
    ImmutableArray<VcpuReport.CpuidReads> CpuidRead,
    ImmutableArray<PatchReport> Patches)
{
    /// <param name="Subleaf">Null where the subleaf does not count.</param>
    public sealed record CpuidWords(string Leaf, string? Subleaf, string Eax, string Ebx, string Ecx, string Edx);

    public sealed record CpuidReads(string Leaf, string Subleaf, ulong FirstVmTime, ulong Reads);

    public static VcpuReport Of(VcpuStatus vcpu) => new(
        vcpu.Name,
        vcpu.Owner.Length == 0 ? null : vcpu.Owner,
        vcpu.Epoch,
        vcpu.HostVendor,
        vcpu.VmTime,
        vcpu.Activity,
        vcpu.Instructions,
        new OrderedDictionary<string, string>(vcpu.Registers.Select(
            register => KeyValuePair.Create(register.Name, Hex(register.Value, digits: 16)))),
        [.. vcpu.Cpuid.Select(Of)],
        [.. vcpu.CpuidRead.Select(read => new CpuidReads(
            Hex(read.Leaf, digits: 8), Hex(read.Subleaf, digits: 8), read.FirstVmTime, read.Reads))],
        [.. vcpu.Patches.Select(PatchReport.Of)]);

    private static CpuidWords Of(CpuidEntry entry) => new(
        Hex(entry.Leaf, digits: 8),
        entry.IsIndexed ? Hex(entry.Subleaf, digits: 8) : null,
        Hex(entry.Eax, digits: 8),
        Hex(entry.Ebx, digits: 8),
        Hex(entry.Ecx, digits: 8),
        Hex(entry.Edx, digits: 8));

    private static string Hex(ulong value, int digits) =>
        "0x" + value.ToString($"x{digits}", CultureInfo.InvariantCulture);
}
