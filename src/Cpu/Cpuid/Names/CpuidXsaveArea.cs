// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Cpu.Cpuid.Names;

/// <summary>Leaf 0DH: the area that XSAVE writes.</summary>
/// <param name="Xcr0">The components that XCR0 can switch on.</param>
/// <param name="Xss">The components that IA32_XSS can switch on.</param>
/// <param name="BytesMax">The standard form with all components of XCR0.</param>
/// <param name="Components">Those with a subleaf of their own, and x87 and SSE.</param>
/// <remarks>Source: Intel SDM vol. 1, chapter 13; vol. 2A, "CPUID", leaf 0DH.</remarks>
public sealed record CpuidXsaveArea(
    ulong Xcr0, ulong Xss, uint BytesMax, ImmutableArray<CpuidXsaveComponent> Components)
{
    private const uint Leaf = 0xD;

    /// <summary>Null if the table has no leaf 0DH, or an empty one.</summary>
    public static CpuidXsaveArea? Of(CpuidTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        if (table.Find(Leaf, 0) is not { } main || main.Registers == default)
        {
            return null;
        }

        CpuidRegisters second = table.Find(Leaf, 1)?.Registers ?? default;
        ulong xcr0 = ((ulong)main.Edx << 32) | main.Eax;
        ulong xss = ((ulong)second.Edx << 32) | second.Ecx;
        ImmutableArray<CpuidXsaveComponent>.Builder components = ImmutableArray.CreateBuilder<CpuidXsaveComponent>();
        for (int number = 0; number < 63; number++)
        {
            bool isListed = ((xcr0 | xss) >> number & 1) != 0;
            CpuidEntry? entry = number < 2 ? null : table.Find(Leaf, (uint)number);
            if (isListed || (entry is { } told && told.Registers != default))
            {
                components.Add(number < 2 ? Legacy(number) : Component(number, entry?.Registers ?? default));
            }
        }

        return new CpuidXsaveArea(xcr0, xss, main.Ecx, components.ToImmutable());
    }

    /// <summary>The component's name, for instance avx; "component 8" if it has none.</summary>
    public static string NameOf(int component)
    {
        CpuidRegister register = component < 32 ? CpuidRegister.Eax : CpuidRegister.Edx;
        IEnumerable<CpuidField> named = CpuidFields.Of(Leaf, 0, register);
        named = component < 32 ? named.Concat(CpuidFields.Of(Leaf, 1, CpuidRegister.Ecx)) : named;

        // Behind the prefix that tells the register: xcr0_avx, xss_pt.
        return named.FirstOrDefault(bit => bit.Low == component % 32) is { Name: string name }
            ? name[(name.IndexOf('_', StringComparison.Ordinal) + 1)..]
            : $"component {component}";
    }

    // x87 and SSE have fixed places in the first 512 bytes.
    private static CpuidXsaveComponent Legacy(int number) => number == 0
        ? new CpuidXsaveComponent(0, NameOf(0), 160, 0, false, false)
        : new CpuidXsaveComponent(1, NameOf(1), 256, 160, false, false);

    private static CpuidXsaveComponent Component(int number, CpuidRegisters registers) => new(
        number,
        NameOf(number),
        registers.Eax,
        registers.Ebx,
        (registers.Ecx & 1) != 0,
        (registers.Ecx & 2) != 0);
}

/// <summary>One part of the area.</summary>
/// <param name="Offset">In the standard form; 0 for a supervisor component, which that form does not hold.</param>
/// <param name="IsSupervisor">Belongs to IA32_XSS, not to XCR0.</param>
/// <param name="IsAligned">Starts at a multiple of 64 bytes in the compacted form.</param>
public sealed record CpuidXsaveComponent(
    int Number, string Name, uint Bytes, uint Offset, bool IsSupervisor, bool IsAligned);
