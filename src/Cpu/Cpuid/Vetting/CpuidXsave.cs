// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Execute;

namespace KvmActors.Cpu.Cpuid.Vetting;

/// <summary>Leaf 0DH: which parts of the state XSAVE keeps, and where.</summary>
/// <remarks>Source: Intel SDM vol. 1, chapter 13 "Managing State Using the XSAVE Feature Set".</remarks>
internal static class CpuidXsave
{
    public const uint Leaf = 0xD;

    /// <summary>The area of x87 and SSE with the XSAVE header: there for every XCR0.</summary>
    public const uint BaseBytes = 576;

    /// <summary>x87 and SSE, which have no subleaf of their own.</summary>
    public const ulong LegacyComponents = 3;

    public static CpuidRegisters Cut(
        CpuidRegisters cpu, CpuidRegisters features, CpuidTable table, EngineFeatures engine, uint subleaf)
    {
        ulong components = Components(table) & engine.Xcr0;
        if (components == 0)
        {
            return default;
        }

        return subleaf switch
        {
            0 => new CpuidRegisters((uint)components, BaseBytes, Bytes(table, components), (uint)(components >> 32)),
            // No component is enabled by IA32_XSS.
            1 => features with { Ebx = CompactedBytes(table, components, features.Eax), Ecx = 0, Edx = 0 },
            _ => (components >> (int)subleaf & 1) != 0 ? cpu : default,
        };
    }

    /// <summary>CPUID.(0DH,1):EBX: bytes of the compacted format for these components; 0 where nothing writes
    /// it.</summary>
    private static uint CompactedBytes(CpuidTable table, ulong components, uint features)
    {
        const uint XsavecOrXsaves = (1 << 1) | (1 << 3);
        uint size = BaseBytes;
        for (uint component = 2; component < 63; component++)
        {
            if ((components >> (int)component & 1) != 0 && table.Find(Leaf, component) is { } layout)
            {
                // ECX[1]: the component begins at a multiple of 64 bytes.
                size = unchecked(((layout.Ecx & 2) != 0 ? (size + 63) & ~63u : size) + layout.Eax);
            }
        }

        return (features & XsavecOrXsaves) != 0 ? size : 0;
    }

    /// <summary>The components a table offers for XCR0.</summary>
    public static ulong Components(CpuidTable table) =>
        table.Find(Leaf, 0) is { } found ? ((ulong)found.Edx << 32) | found.Eax : 0;

    /// <summary>Bytes of the standard format for these components.</summary>
    public static uint Bytes(CpuidTable table, ulong components)
    {
        uint size = BaseBytes;
        for (uint component = 2; component < 63; component++)
        {
            if ((components >> (int)component & 1) != 0 && table.Find(Leaf, component) is { } layout)
            {
                size = Math.Max(size, unchecked(layout.Ebx + layout.Eax));
            }
        }

        return size;
    }
}
