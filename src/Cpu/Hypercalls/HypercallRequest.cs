// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Hypercalls;

/// <summary>A hypercall as the guest's registers give it, not yet truncated.</summary>
/// <param name="Rax">The number.</param>
/// <param name="Rbx">First argument.</param>
/// <param name="Rcx">Second argument.</param>
/// <param name="Rdx">Third argument.</param>
/// <param name="Rsi">Fourth argument.</param>
/// <param name="Cpl">Privilege of the caller.</param>
/// <param name="Is64Bit">True if EFER.LMA and CS.L are set; else everything is cut to 32 bits.</param>
public readonly record struct HypercallRequest(
    ulong Rax, ulong Rbx, ulong Rcx, ulong Rdx, ulong Rsi, int Cpl, bool Is64Bit);
