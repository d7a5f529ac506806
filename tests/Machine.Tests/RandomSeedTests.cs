// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using Iced.Intel;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine.Loaders;
using KvmActors.Machine.Tests.Loaders;
using KvmActors.Machine.Time;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Machine.Tests;

/// <summary>The numbers of RDRAND and RDSEED are a function of the spec.</summary>
public sealed class RandomSeedTests
{
    private const uint CodeAddress = 0x10_000C;
    private const uint RdrandBit = 1u << 30;
    private const ulong Half = 5;

    [Fact]
    public void The_same_seed_gives_the_same_run_and_another_one_another()
    {
        MachineEnd.DebugExit first = EndOf(Machine(seed: 5));

        Assert.Equal(first, EndOf(Machine(seed: 5)));
        Assert.NotEqual(first, EndOf(Machine(seed: 6)));
    }

    [Fact]
    public void A_restored_machine_draws_the_numbers_that_the_saved_one_would_have_drawn()
    {
        using VirtualMachine saved = Machine(seed: 5);
        _ = saved.RunSlice(new SliceLimits(Half, () => false));
        MachineState state = saved.Save();
        ulong drawn = state.Vcpus[0].RandomsDrawn;
        var restored = VirtualMachine.Restore(
            saved.Spec,
            state,
            Enumerable.Range(0, saved.Memory.PageCount)
                .Select(page => (page, (ReadOnlyMemory<byte>)saved.Memory.Page(page).ToArray())));

        Assert.InRange(drawn, 1ul, 2ul);
        Assert.Equal(EndOf(Machine(seed: 5)), EndOf(restored));
    }

    private static MachineEnd.DebugExit EndOf(VirtualMachine machine)
    {
        using (machine)
        {
            _ = machine.RunSlice(new SliceLimits(1000, () => false));
            return Assert.IsType<MachineEnd.DebugExit>(machine.End);
        }
    }

    /// <summary>Four draws, mixed, are the value that the guest ends with.</summary>
    private static VirtualMachine Machine(ulong seed)
    {
        Assembler program = new(bitness: 32);
        program.xor(eax, eax);
        for (int draw = 0; draw < 4; draw++)
        {
            program.rdrand(ebx);
            program.rol(eax, 7);
            program.xor(eax, ebx);
        }

        program.@out(0xF4, eax);
        program.hlt();
        MemoryStream bytes = new();
        _ = program.Assemble(new StreamCodeWriter(bytes), CodeAddress);
        ImmutableArray<CpuidEntry> entries =
            [.. TestCpuid.Table.Entries.Select(entry =>
                entry.Leaf == 1 ? entry with { Ecx = entry.Ecx | RdrandBit } : entry)];
        return VirtualMachine.Create(
            new MachineSpec(1, MemoryBytes: 4 << 20, HypercallPatchPolicy.Auto, MachineSpec.TurnTicksDefault)
            {
                RandomSeed = seed,
            },
            [CpuidTable.Of(entries)],
            HostVendor.Intel,
            BootImageLoader.Load(ImageBuilder.Elf(is64: false, bytes.ToArray()), commandLine: ""));
    }
}
