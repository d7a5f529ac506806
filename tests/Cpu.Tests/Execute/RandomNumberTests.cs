// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.State;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Cpu.Tests.Execute;

/// <summary>RDRAND and RDSEED: numbers that follow from a seed and from nothing else.</summary>
public sealed class RandomNumberTests
{
    private const ulong StatusFlags = 0x8D5;

    [Fact]
    public void The_numbers_are_those_of_SplitMix64()
    {
        // The first outputs of the reference generator from state 1234567, as its authors' test programs print them.
        ulong[] known = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431];

        Assert.Equal(known, Enumerable.Range(0, known.Length).Select(i => RandomSequence.At(1234567, (ulong)i)));
    }

    [Fact]
    public void Each_draw_sets_CF_clears_the_other_flags_and_fills_what_its_size_says()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.xor(r8d, r8d);
            a.rdrand(rax);
            a.pushfq();
            a.rdseed(ebx);
            a.rdrand(cx);
            a.pop(rdx);
            a.hlt();
        });
        guest.Vcpu.RandomSeed = 99;
        guest[Gpr.Rbx] = ulong.MaxValue;
        guest[Gpr.Rcx] = ulong.MaxValue;

        Assert.IsType<VmExit.Halted>(guest.Run());

        ulong start = RandomSequence.StartOf(99, vcpuIndex: 0);
        Assert.Equal(RandomSequence.At(start, 0), guest[Gpr.Rax]);
        Assert.Equal((uint)RandomSequence.At(start, 1), guest[Gpr.Rbx]);
        Assert.Equal(0xFFFF_FFFF_FFFF_0000 | (ushort)RandomSequence.At(start, 2), guest[Gpr.Rcx]);
        Assert.Equal(RFlags.Carry, guest[Gpr.Rdx] & StatusFlags);
        Assert.Equal(3ul, guest.Vcpu.Save().RandomsDrawn);
    }

    [Fact]
    public void A_restored_vcpu_goes_on_with_the_next_number_and_another_vcpu_has_others()
    {
        using var guest = TestGuest.Long(Draws);
        guest.Vcpu.RandomSeed = 7;
        guest.Run(budget: 1);
        using var restored = TestGuest.Long(Draws);
        restored.Vcpu.RandomSeed = 7;
        restored.Vcpu.Restore(guest.Vcpu.Save());
        guest.Run();
        restored.Run();

        Assert.Equal(guest[Gpr.Rbx], restored[Gpr.Rbx]);
        Assert.NotEqual(guest[Gpr.Rax], guest[Gpr.Rbx]);
        Assert.NotEqual(RandomSequence.StartOf(7, 0), RandomSequence.StartOf(7, 1));
        Assert.NotEqual(RandomSequence.StartOf(7, 0), RandomSequence.StartOf(8, 0));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Without_the_feature_it_does_not_exist(bool isSeed)
    {
        using var guest = TestGuest.Long(a =>
        {
            if (isSeed)
            {
                a.rdseed(rax);
            }
            else
            {
                a.rdrand(rax);
            }
        });
        guest.Vcpu.Cpuid = CpuidTable.Of(TestGuest.AllFeatures.Entries.Where(entry => entry.Leaf is not (1 or 7)));

        Assert.IsType<VmExit.InvalidOpcode>(guest.Run());
        Assert.Equal(0ul, guest.Vcpu.Save().RandomsDrawn);
        Assert.Equal(0ul, guest[Gpr.Rax]);
    }

    private static void Draws(Assembler a)
    {
        a.rdrand(rax);
        a.rdrand(rbx);
        a.hlt();
    }
}
