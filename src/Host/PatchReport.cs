// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Host.Configuration;

namespace KvmActors.Host;

/// <summary>A rewritten hypercall site as JSON shows it.</summary>
/// <param name="Before">The three opcode bytes, as hexadecimal digits.</param>
/// <param name="Instruction">What the site is now: VMCALL or VMMCALL.</param>
internal sealed record PatchReport(
    int Vcpu, ulong VmTime, string Gva, string Gpa, string Before, string After, string Vendor, string Instruction)
{
    public static PatchReport Of(HypercallPatch patch) => new(
        patch.VcpuIndex,
        patch.VmTime,
        Hex(patch.Gva.Value),
        Hex(patch.Gpa.Value),
        Convert.ToHexStringLower(patch.Before.AsSpan()),
        Convert.ToHexStringLower(patch.After.AsSpan()),
        ConfigurationWords.Of(patch.Vendor),
        InstructionOf(patch.Vendor));

    public static string InstructionOf(HostVendor vendor) => vendor switch
    {
        HostVendor.Intel => "VMCALL",
        HostVendor.Amd => "VMMCALL",
    };

    private static string Hex(ulong value) => "0x" + value.ToString("x16", CultureInfo.InvariantCulture);
}
