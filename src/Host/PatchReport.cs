// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Host.Configuration;
using KvmActors.Host.Control.V1;

namespace KvmActors.Host;

/// <summary>A rewritten hypercall site as JSON shows it.</summary>
/// <param name="Before">The three opcode bytes, as hexadecimal digits.</param>
/// <param name="Instruction">What the site is now: VMCALL or VMMCALL.</param>
/// <param name="Node">On which node; null where there is no cluster.</param>
internal sealed record PatchReport(
    int Vcpu,
    ulong VmTime,
    string Gva,
    string Gpa,
    string Before,
    string After,
    string Vendor,
    string Instruction,
    string? Node)
{
    public static PatchReport Of(Patch patch)
    {
        HostVendor vendor = patch.Vendor == ConfigurationWords.Of(HostVendor.Amd) ? HostVendor.Amd : HostVendor.Intel;
        return new PatchReport(
            (int)patch.Vcpu,
            patch.VmTime,
            Hex(patch.Gva),
            Hex(patch.Gpa),
            Convert.ToHexStringLower(patch.Before.Span),
            Convert.ToHexStringLower(patch.After.Span),
            patch.Vendor,
            InstructionOf(vendor),
            patch.NodeId.Length == 0 ? null : patch.NodeId);
    }

    public static PatchReport Of(HypercallPatch patch) => new(
        patch.VcpuIndex,
        patch.VmTime,
        Hex(patch.Gva.Value),
        Hex(patch.Gpa.Value),
        Convert.ToHexStringLower(patch.Before.AsSpan()),
        Convert.ToHexStringLower(patch.After.AsSpan()),
        ConfigurationWords.Of(patch.Vendor),
        InstructionOf(patch.Vendor),
        Node: null);

    public static string InstructionOf(HostVendor vendor) => vendor switch
    {
        HostVendor.Intel => "VMCALL",
        HostVendor.Amd => "VMMCALL",
    };

    private static string Hex(ulong value) => "0x" + value.ToString("x16", CultureInfo.InvariantCulture);
}
