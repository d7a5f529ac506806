// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Execute;

namespace KvmActors.Cpu.Cpuid.Names;

/// <summary>Sets of feature bits as the four registers of one leaf.</summary>
/// <remarks>Source: the registers named by Cpuid.txt.</remarks>
internal static class CpuidFeatureMask
{
    /// <summary>The bits of one leaf that the engine executes.</summary>
    public static CpuidRegisters Of(EngineFeatures engine, uint leaf, uint subleaf)
    {
        CpuidRegisters mask = default;
        foreach (CpuidFeature feature in engine.Executed)
        {
            if (feature.Leaf == leaf && feature.Subleaf == subleaf)
            {
                mask = mask.Or(feature.Register, 1u << feature.Bit);
            }
        }

        return mask;
    }

    /// <summary>All ones in the registers of one leaf that hold features, but for their fields: unnamed bits beside
    /// features are features too.</summary>
    public static CpuidRegisters FeatureRegisters(uint leaf, uint subleaf)
    {
        CpuidRegisters mask = default;
        foreach ((_, CpuidFeature feature) in CpuidFeatures.All)
        {
            if (feature.Leaf == leaf && feature.Subleaf == subleaf)
            {
                uint fields = 0;
                foreach (CpuidField field in CpuidFields.Of(leaf, subleaf, feature.Register))
                {
                    fields |= field.Mask;
                }

                mask = mask.Or(feature.Register, ~fields);
            }
        }

        return mask;
    }

    public static CpuidRegisters Bit(CpuidFeature feature) =>
        default(CpuidRegisters).Or(feature.Register, 1u << feature.Bit);

    public static CpuidRegisters And(this CpuidRegisters left, CpuidRegisters right) =>
        new(left.Eax & right.Eax, left.Ebx & right.Ebx, left.Ecx & right.Ecx, left.Edx & right.Edx);

    public static CpuidRegisters Or(this CpuidRegisters left, CpuidRegisters right) =>
        new(left.Eax | right.Eax, left.Ebx | right.Ebx, left.Ecx | right.Ecx, left.Edx | right.Edx);

    public static CpuidRegisters Not(this CpuidRegisters registers) =>
        new(~registers.Eax, ~registers.Ebx, ~registers.Ecx, ~registers.Edx);

    public static uint Of(this CpuidRegisters registers, CpuidRegister register) => register switch
    {
        CpuidRegister.Eax => registers.Eax,
        CpuidRegister.Ebx => registers.Ebx,
        CpuidRegister.Ecx => registers.Ecx,
        CpuidRegister.Edx => registers.Edx,
    };

    private static CpuidRegisters Or(this CpuidRegisters mask, CpuidRegister register, uint bits) => register switch
    {
        CpuidRegister.Eax => mask with { Eax = mask.Eax | bits },
        CpuidRegister.Ebx => mask with { Ebx = mask.Ebx | bits },
        CpuidRegister.Ecx => mask with { Ecx = mask.Ecx | bits },
        CpuidRegister.Edx => mask with { Edx = mask.Edx | bits },
    };
}
