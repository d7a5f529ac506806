// SPDX-License-Identifier: Apache-2.0

using System.Collections.Frozen;
using Iced.Intel;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Names;
using IcedFeature = Iced.Intel.CpuidFeature;

namespace KvmActors.Cpu.Tests.Simd;

/// <summary>Every instruction form of MMX and of SSE to SSE4.2 that the decoder knows: no list of ours to forget
/// something in.</summary>
internal static class SimdForms
{
    private static readonly FrozenDictionary<IcedFeature, string> s_features = new Dictionary<IcedFeature, string>
    {
        [IcedFeature.MMX] = "mmx",
        [IcedFeature.SSE] = "sse",
        [IcedFeature.SSE2] = "sse2",
        [IcedFeature.SSE3] = "sse3",
        [IcedFeature.SSSE3] = "ssse3",
        [IcedFeature.SSE4_1] = "sse4_1",
        [IcedFeature.SSE4_2] = "sse4_2",
        [IcedFeature.CLFSH] = "clflush",
    }.ToFrozenDictionary();

    /// <summary>FISTTP came with SSE3 and is an x87 instruction.</summary>
    public static IReadOnlyList<Code> All { get; } =
    [
        .. Enum.GetValues<Code>().Where(code =>
            code.ToOpCode() is { IsInstruction: true, Encoding: EncodingKind.Legacy }
            && code.CpuidFeatures().Any(s_features.ContainsKey)
            && !code.CpuidFeatures().Contains(IcedFeature.FPU)),
    ];

    public static IEnumerable<string> FeatureNames => s_features.Values;

    /// <summary>The feature as CPUID tables name it; null if it is none of these.</summary>
    public static string? NameOf(IcedFeature feature) => s_features.GetValueOrDefault(feature);

    /// <summary>Forms that code of so many bits can have, and the host executes.</summary>
    public static IEnumerable<Code> Of(int bits)
    {
        CpuidTable host = HostCpuid.Read();
        return All.Where(code => code.ToOpCode().IsAvailableInMode(bits)
            && code.CpuidFeatures().All(feature => host.Has(CpuidFeatures.Named(s_features[feature]))));
    }
}
