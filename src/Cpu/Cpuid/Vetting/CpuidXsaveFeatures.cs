// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Cpuid.Names;

namespace KvmActors.Cpu.Cpuid.Vetting;

/// <summary>Which features need which component of XSAVE: without its registers saved, none of them may be
/// used.</summary>
/// <remarks>Source: Intel SDM vol. 1, sections 13.1 to 13.3 and the chapters of the features; XCR0 rules: vol. 3A,
/// section 2.6.</remarks>
internal static class CpuidXsaveFeatures
{
    private const ulong Avx = 1ul << 2;
    private const ulong Mpx = 3ul << 3;
    private const ulong Avx512 = 7ul << 5;
    private const ulong Pkru = 1ul << 9;
    private const ulong Amx = 3ul << 17;

    private static readonly ImmutableArray<(ulong Components, ImmutableArray<CpuidFeature> Features)> s_needs =
    [
        (Avx, Named("avx avx2 fma f16c fma4 xop vaes vpclmulqdq avx_vnni avx_ifma avx_vnni_int8 avx_ne_convert "
            + "avx_vnni_int16 avx10 sha512 sm3 sm4")),
        (Avx512, Named("avx512f avx512dq avx512ifma avx512pf avx512er avx512cd avx512bw avx512vl avx512_vbmi "
            + "avx512_vbmi2 avx512_vnni avx512_bitalg avx512_vpopcntdq avx512_4vnniw avx512_4fmaps "
            + "avx512_vp2intersect avx512_fp16 avx512_bf16")),
        (Mpx, Named("mpx")),
        (Pkru, Named("pku")),
        (Amx, Named("amx_tile amx_int8 amx_bf16 amx_fp16 amx_complex")),
    ];

    /// <summary>Takes out components whose companions are missing: XSETBV would refuse what is left.</summary>
    public static ulong Close(ulong components)
    {
        ulong closed = components;
        if ((closed & Avx) == 0)
        {
            closed &= ~Avx512;
        }

        foreach (ulong group in (ReadOnlySpan<ulong>)[Mpx, Avx512, Amx])
        {
            closed = (closed & group) == group ? closed : closed & ~group;
        }

        return closed;
    }

    /// <summary>The feature bits of one leaf that these components do not carry.</summary>
    public static CpuidRegisters Without(ulong components, uint leaf, uint subleaf)
    {
        CpuidRegisters lost = default;
        foreach ((ulong needed, ImmutableArray<CpuidFeature> features) in s_needs)
        {
            if ((components & needed) == needed)
            {
                continue;
            }

            foreach (CpuidFeature feature in features)
            {
                lost = feature.Leaf == leaf && feature.Subleaf == subleaf
                    ? lost.Or(CpuidFeatureMask.Bit(feature))
                    : lost;
            }
        }

        return lost;
    }

    private static ImmutableArray<CpuidFeature> Named(string names) =>
        [.. names.Split(' ').Select(CpuidFeatures.Named)];
}
