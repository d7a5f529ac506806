// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid.Fleet;

/// <summary>One thing a VM's table promises and a host does not have.</summary>
/// <param name="Leaf">Where the VM's table says it.</param>
/// <param name="Subleaf">Where the VM's table says it.</param>
/// <param name="Register">Where the VM's table says it.</param>
/// <param name="Name">The feature's name, or the manuals' notation for a bit without one, or what is too wide.</param>
/// <param name="Expected">What the VM has.</param>
/// <param name="Found">What the host has.</param>
/// <param name="IsObserved">True if the guest has read this leaf and subleaf, so it may rely on it.</param>
public sealed record CpuidDifference(
    uint Leaf, uint Subleaf, CpuidRegister Register, string Name, uint Expected, uint Found, bool IsObserved)
{
    public override string ToString() =>
        $"{Name} (leaf 0x{Leaf:x}, subleaf {Subleaf}, {Register.ToString().ToLowerInvariant()}): "
        + $"the VM has {Expected}, the host {Found}; "
        + (IsObserved ? "the guest has read this leaf." : "the guest has never read this leaf.");
}
