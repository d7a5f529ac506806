// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Cpu.Hypercalls;

/// <summary>One rewriting of a hypercall instruction in guest memory, as the journal records it.</summary>
/// <param name="VcpuIndex">The vCPU that executed the site.</param>
/// <param name="VmTime">VM time of the trapped instruction, in ticks.</param>
/// <param name="Gva">Linear address of the opcode (behind any REX prefix).</param>
/// <param name="Gpa">Physical address of its first byte.</param>
/// <param name="Before">The three opcode bytes found.</param>
/// <param name="After">The three opcode bytes written.</param>
/// <param name="Vendor">The host vendor for which the site was made native.</param>
public sealed record HypercallPatch(
    int VcpuIndex,
    ulong VmTime,
    Gva Gva,
    Gpa Gpa,
    ImmutableArray<byte> Before,
    ImmutableArray<byte> After,
    HostVendor Vendor);
