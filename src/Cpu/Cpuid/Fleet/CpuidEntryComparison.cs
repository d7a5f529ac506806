// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Numerics;
using KvmActors.Cpu.Cpuid.Names;
using KvmActors.Cpu.Cpuid.Vetting;
using static KvmActors.Cpu.Cpuid.CpuidRegister;

namespace KvmActors.Cpu.Cpuid.Fleet;

/// <summary>Compares one leaf and subleaf of two tables, register by register, each by its rule.</summary>
/// <remarks>Source: Intel SDM vol. 2A, "CPUID"; for leaf 0DH vol. 1, section 13.2 "Enumeration of CPU Support for
/// XSAVE Instructions and XSAVE-Supported Features".</remarks>
internal sealed class CpuidEntryComparison(
    uint leaf, uint subleaf, CpuidTable tableA, CpuidTable tableB, List<CpuidDifference> found)
{
    private const uint HypervisorBase = 0x4000_0000;

    private static readonly ImmutableArray<CpuidRegister> s_registers = [Eax, Ebx, Ecx, Edx];

    private readonly CpuidRegisters? _entryA = tableA.Find(leaf, subleaf)?.Registers;
    private readonly CpuidRegisters? _entryB = tableB.Find(leaf, subleaf)?.Registers;

    public void Run()
    {
        if (_entryA == _entryB)
        {
            return;
        }

        foreach (CpuidRegister register in s_registers)
        {
            uint a = _entryA?.Of(register) ?? 0;
            uint b = _entryB?.Of(register) ?? 0;
            if (a == b && leaf != CpuidXsave.Leaf)
            {
                continue;
            }

            CpuidRule rule = CpuidFieldRules.Of(leaf, subleaf, register);
            switch (rule)
            {
                case CpuidRule.Features:
                    CompareBits(register, a, b);
                    break;
                case CpuidRule.Numbers:
                    CompareNumbers(register, a, b);
                    break;
                case CpuidRule.Xsave:
                    CompareXsave(register, a, b);
                    break;
                case CpuidRule.Description:
                    CompareDescription(register, a, b);
                    break;
                case CpuidRule.Hypervisor when IsParavirtual():
                    CompareBits(register, a, b);
                    break;
                case CpuidRule.Limits or CpuidRule.Identity or CpuidRule.Topology or CpuidRule.Caches
                    or CpuidRule.Platform or CpuidRule.Hypervisor:
                    Add(register, null, CpuidPlaceNames.Of(leaf, register, rule), a, b, More(a, b), rule);
                    break;
            }
        }
    }

    private static CpuidDirection More(uint a, uint b) =>
        a == 0 ? CpuidDirection.OnlyB : b == 0 ? CpuidDirection.OnlyA : CpuidDirection.Differs;

    private static CpuidDirection Larger(uint a, uint b) => a > b ? CpuidDirection.OnlyA : CpuidDirection.OnlyB;

    private void CompareBits(CpuidRegister register, uint a, uint b)
    {
        uint inverted = CpuidFieldRules.InvertedBits(leaf, subleaf, register);
        uint differing = (a ^ b) & ~CpuidFieldRules.RuntimeBits(leaf, subleaf, register);
        if ((_entryA ?? default) == default || (_entryB ?? default) == default)
        {
            // Where there is no leaf, or only zeros, nothing tells what is missing.
            differing &= ~inverted;
        }

        AddBits(register, differing, a, inverted);
    }

    private void AddBits(CpuidRegister register, uint differing, uint a, uint inverted)
    {
        for (uint bits = differing; bits != 0; bits &= bits - 1)
        {
            int bit = BitOperations.TrailingZeroCount(bits);
            CpuidFeature feature = new(leaf, subleaf, register, bit);
            uint inA = a >> bit & 1;
            bool isMoreInA = inA != (inverted >> bit & 1);

            // CPUID.01H:ECX[31]: whoever runs the guest sets it.
            CpuidRule rule = (leaf, register, bit) == (1, Ecx, 31) ? CpuidRule.Hypervisor : CpuidRule.Features;
            Add(
                register,
                bit,
                CpuidFeatures.NameOf(feature) ?? feature.ToString(),
                inA,
                inA ^ 1,
                isMoreInA ? CpuidDirection.OnlyA : CpuidDirection.OnlyB,
                rule);
        }
    }

    private void CompareNumbers(CpuidRegister register, uint a, uint b)
    {
        foreach (CpuidQuantity number in CpuidQuantity.In(leaf, subleaf, register))
        {
            (uint numberA, uint numberB) = (number.Of(a), number.Of(b));
            if (numberA != numberB)
            {
                CpuidDirection more = Larger(numberA, numberB);
                Add(register, number.LowBit, number.Name, numberA, numberB, more, CpuidRule.Numbers);
            }
        }

        AddBits(register, (a ^ b) & CpuidQuantity.Others(leaf, subleaf, register), a, inverted: 0);
    }

    private void CompareXsave(CpuidRegister register, uint a, uint b)
    {
        bool isComponents = (subleaf, register) is (0, Eax or Edx) or (1, Ecx or Edx);
        if (isComponents)
        {
            for (uint bits = a ^ b; bits != 0; bits &= bits - 1)
            {
                int bit = BitOperations.TrailingZeroCount(bits);
                string name = CpuidPlaceNames.Component(register == Edx ? bit + 32 : bit);
                (uint inA, uint inB) = (a >> bit & 1, b >> bit & 1);
                Add(register, bit, name, inA, inB, Larger(inA, inB), CpuidRule.Xsave);
            }
        }
        else if (subleaf == 1 && register == Eax)
        {
            AddBits(register, a ^ b, a, inverted: 0);
        }
        else if (subleaf >= 2 && a != b && HaveBoth())
        {
            string what = register switch
            {
                Eax => "bytes",
                Ebx => "offset",
                Ecx => "alignment",
                Edx => "reserved word",
            };
            Add(register, null, $"XSAVE {what} of component {subleaf}", a, b, CpuidDirection.Differs, CpuidRule.Xsave);
        }
    }

    /// <summary>True if both tables keep this subleaf's component, in XCR0 or in IA32_XSS.</summary>
    private bool HaveBoth()
    {
        ulong both = CpuidXsaveLayout.Listed(tableA) & CpuidXsaveLayout.Listed(tableB);
        return subleaf < 63 && (both >> (int)subleaf & 1) != 0;
    }

    private void CompareDescription(CpuidRegister register, uint a, uint b)
    {
        CpuidDirection direction = IsSilent(_entryA) ? CpuidDirection.OnlyB
            : IsSilent(_entryB) ? CpuidDirection.OnlyA
            : CpuidDirection.Differs;
        string name = CpuidPlaceNames.Of(leaf, register, CpuidRule.Description);
        Add(register, null, name, a, b, direction, CpuidRule.Description);
    }

    private bool IsSilent(CpuidRegisters? entry) => entry is not { } registers || s_registers.All(register =>
        registers.Of(register) == 0 || CpuidFieldRules.Of(leaf, subleaf, register) != CpuidRule.Description);

    /// <summary>KVM's features count where both tables have KVM's leaves: a bare CPU has none to offer.</summary>
    private bool IsParavirtual() =>
        leaf == HypervisorBase + 1
        && _entryA is not null
        && _entryB is not null
        && CpuidVendor.Text(tableA.FirstOfLeaf(HypervisorBase)?.Registers ?? default)
            == CpuidVendor.Text(tableB.FirstOfLeaf(HypervisorBase)?.Registers ?? default);

    private void Add(
        CpuidRegister register, int? bit, string name, uint a, uint b, CpuidDirection direction, CpuidRule rule) =>
        found.Add(new CpuidDifference(leaf, subleaf, register, bit, name, a, b, direction, rule));
}
