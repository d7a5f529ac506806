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
        (Avx,
        [
            CpuidFeatures.Avx, CpuidFeatures.Avx2, CpuidFeatures.Fma, CpuidFeatures.F16c, CpuidFeatures.Fma4,
            CpuidFeatures.Xop, CpuidFeatures.Vaes, CpuidFeatures.Vpclmulqdq, CpuidFeatures.AvxVnni,
            CpuidFeatures.AvxIfma, CpuidFeatures.AvxVnniInt8, CpuidFeatures.AvxNeConvert, CpuidFeatures.AvxVnniInt16,
            CpuidFeatures.Avx10, CpuidFeatures.Sha512, CpuidFeatures.Sm3, CpuidFeatures.Sm4,
        ]),
        (Avx512,
        [
            CpuidFeatures.Avx512f, CpuidFeatures.Avx512dq, CpuidFeatures.Avx512ifma, CpuidFeatures.Avx512pf,
            CpuidFeatures.Avx512er, CpuidFeatures.Avx512cd, CpuidFeatures.Avx512bw, CpuidFeatures.Avx512vl,
            CpuidFeatures.Avx512vbmi, CpuidFeatures.Avx512Vbmi2, CpuidFeatures.Avx512Vnni, CpuidFeatures.Avx512Bitalg,
            CpuidFeatures.Avx512Vpopcntdq, CpuidFeatures.Avx512_4vnniw, CpuidFeatures.Avx512_4fmaps,
            CpuidFeatures.Avx512Vp2intersect, CpuidFeatures.Avx512Fp16, CpuidFeatures.Avx512Bf16,
        ]),
        (Mpx, [CpuidFeatures.Mpx]),
        (Pkru, [CpuidFeatures.Pku]),
        (Amx,
        [
            CpuidFeatures.AmxTile, CpuidFeatures.AmxInt8, CpuidFeatures.AmxBf16, CpuidFeatures.AmxFp16,
            CpuidFeatures.AmxComplex,
        ]),
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
}
