// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Execute.Fpu;

/// <summary>State components as XCR0 and the XSAVE header number them.</summary>
/// <remarks>A component of the extended region has its bit here, its place in <see cref="XsaveArea"/> and its rule in
/// <see cref="AreConsistent"/>. Source: Intel SDM vol. 1, sections 13.1 to 13.3.</remarks>
internal static class XsaveComponents
{
    public const ulong X87 = 1 << 0;
    public const ulong Sse = 1 << 1;
    public const ulong Avx = 1 << 2;

    /// <summary>XCOMP_BV[63]: the compacted format.</summary>
    public const ulong Compacted = 1ul << 63;

    /// <summary>What XSETBV accepts, of what the processor has: x87 always, AVX only with SSE.</summary>
    public static bool AreConsistent(ulong components) =>
        (components & X87) != 0 && ((components & Avx) == 0 || (components & Sse) != 0);
}
