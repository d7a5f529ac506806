// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Simd;

/// <summary>The feature without which an instruction of MMX or SSE does not exist.</summary>
internal static class SimdFeatures
{
    /// <summary>By the decoder, but for PADDQ with MMX registers, which came with SSE2. Source: Intel SDM vol. 2B,
    /// "PADDB/PADDW/PADDD/PADDQ".</summary>
    public static GuestFeature Of(Code code)
    {
        if (code == Code.Paddq_mm_mmm64)
        {
            return GuestFeature.Sse2;
        }

        GuestFeature required = GuestFeature.None;
        foreach (CpuidFeature feature in code.CpuidFeatures())
        {
            required |= feature switch
            {
                CpuidFeature.MMX => GuestFeature.Mmx,
                CpuidFeature.SSE => GuestFeature.Sse,
                CpuidFeature.SSE2 => GuestFeature.Sse2,
                CpuidFeature.SSE3 => GuestFeature.Sse3,
                CpuidFeature.SSSE3 => GuestFeature.Ssse3,
                CpuidFeature.SSE4_1 => GuestFeature.Sse41,
                CpuidFeature.SSE4_2 => GuestFeature.Sse42,
                CpuidFeature.CLFSH => GuestFeature.Clflush,
                _ => GuestFeature.None,
            };
        }

        return required;
    }
}
