// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Cpu.Cpuid.Fleet;

/// <summary>A number packed into a register, of which the larger offers more.</summary>
/// <remarks>Source: Intel SDM vol. 2A, "CPUID", leaves 0AH, 12H, 24H, 80000008H; AMD APM vol. 3, E.4.7, E.4.9, E.4.18.
/// </remarks>
internal sealed record CpuidQuantity(
    uint Leaf, uint Subleaf, CpuidRegister Register, int LowBit, int Bits, string Name)
{
    private static readonly ImmutableArray<CpuidQuantity> s_all =
    [
        new(0xA, 0, CpuidRegister.Eax, 0, 8, "version of the performance counters"),
        new(0xA, 0, CpuidRegister.Eax, 8, 8, "performance counters"),
        new(0xA, 0, CpuidRegister.Eax, 16, 8, "bits of a performance counter"),
        new(0xA, 0, CpuidRegister.Eax, 24, 8, "listed performance events"),
        new(0xA, 0, CpuidRegister.Edx, 0, 5, "fixed performance counters"),
        new(0xA, 0, CpuidRegister.Edx, 5, 8, "bits of a fixed performance counter"),
        new(0x12, 0, CpuidRegister.Edx, 0, 8, "size of an enclave outside of 64-bit mode"),
        new(0x12, 0, CpuidRegister.Edx, 8, 8, "size of an enclave in 64-bit mode"),
        new(0x24, 0, CpuidRegister.Ebx, 0, 8, "version of AVX10"),
        new(0x8000_0008, 0, CpuidRegister.Eax, 0, 8, "physical address bits"),
        new(0x8000_0008, 0, CpuidRegister.Eax, 8, 8, "linear address bits"),
        new(0x8000_0008, 0, CpuidRegister.Eax, 16, 8, "guest physical address bits"),
        new(0x8000_000A, 0, CpuidRegister.Ebx, 0, 32, "address space identifiers"),
        new(0x8000_0022, 0, CpuidRegister.Ebx, 0, 4, "core performance counters"),
        new(0x8000_0022, 0, CpuidRegister.Ebx, 4, 6, "last branch records"),
        new(0x8000_0022, 0, CpuidRegister.Ebx, 10, 6, "northbridge performance counters"),
        new(0x8000_0022, 0, CpuidRegister.Ebx, 16, 6, "memory controller performance counters"),
    ];

    private uint Mask => Bits == 32 ? uint.MaxValue : (1u << Bits) - 1;

    /// <summary>The numbers in a register, lowest first; none for most.</summary>
    public static IEnumerable<CpuidQuantity> In(uint leaf, uint subleaf, CpuidRegister register) =>
        s_all.Where(number => number.Leaf == leaf && number.Subleaf == subleaf && number.Register == register);

    /// <summary>Every number the smaller of the two, every other bit set if both set it.</summary>
    public static uint Smaller(uint leaf, uint subleaf, CpuidRegister register, uint a, uint b)
    {
        uint smaller = a & b;
        foreach (CpuidQuantity number in In(leaf, subleaf, register))
        {
            smaller &= ~(number.Mask << number.LowBit);
            smaller |= Math.Min(number.Of(a), number.Of(b)) << number.LowBit;
        }

        return smaller;
    }

    /// <summary>The bits of a register that belong to no number.</summary>
    public static uint Others(uint leaf, uint subleaf, CpuidRegister register) =>
        In(leaf, subleaf, register).Aggregate(uint.MaxValue, (others, number) =>
            others & ~(number.Mask << number.LowBit));

    public uint Of(uint value)
    {
        uint number = value >> LowBit & Mask;

        // CPUID.80000008H:EAX[23:16] is 0 where a guest's addresses are as wide as the host's.
        bool isAsPhysical = Leaf == 0x8000_0008 && LowBit == 16 && number == 0;
        return isAsPhysical ? value & 0xFF : number;
    }
}
