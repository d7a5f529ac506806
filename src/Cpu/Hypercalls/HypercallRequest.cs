// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Paravirtual;

namespace KvmActors.Cpu.Hypercalls;

/// <summary>A hypercall as the guest's registers give it, not yet truncated.</summary>
/// <param name="Rax">The number.</param>
/// <param name="Rbx">First argument.</param>
/// <param name="Rcx">Second argument.</param>
/// <param name="Rdx">Third argument.</param>
/// <param name="Rsi">Fourth argument.</param>
/// <param name="Cpl">Privilege of the caller.</param>
/// <param name="Is64Bit">True if EFER.LMA and CS.L are set; else everything is cut to 32 bits.</param>
/// <param name="Offered">What the vCPU's CPUID table offers; what it does not offer, cannot be called.</param>
public readonly record struct HypercallRequest(
    ulong Rax, ulong Rbx, ulong Rcx, ulong Rdx, ulong Rsi, int Cpl, bool Is64Bit, ParavirtualFeature Offered)
{
    /// <summary>The request with number and arguments as wide as the caller's mode has them.</summary>
    public HypercallRequest Cut() => Is64Bit
        ? this
        : this with { Rax = (uint)Rax, Rbx = (uint)Rbx, Rcx = (uint)Rcx, Rdx = (uint)Rdx, Rsi = (uint)Rsi };
}
