// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine.Loaders;
using KvmActors.Machine.Tests.Loaders;
using KvmActors.Machine.Time;
using Xunit;
using Xunit.Abstractions;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Machine.Tests;

/// <summary>Several vCPUs: started by INIT and SIPI, in turns, the same in every run.</summary>
public sealed class SeveralVcpusTests(ITestOutputHelper output)
{
    private const uint Apic = 0xFEE0_0000;
    private const uint Counter = 0x8000;
    private const uint Done = 0x8008;
    private const uint Trampoline = 0x9000;
    private const uint CodeAddress = 0x10_000C;
    private const int Rounds = 3000;
    private const ulong Enough = 50_000_000;

    /// <summary>Each vCPU counts so often; the first one waits for the others and ends the VM with the sum's low byte.
    /// </summary>
    private static BootImage CountingGuest(int vcpus, bool isLocked)
    {
        Assembler real = new(bitness: 16);
        real.xor(ax, ax);
        real.mov(ds, ax);
        real.mov(cx, Rounds);
        Label each = real.CreateLabel();
        real.Label(ref each);
        Count(real, isLocked);
        real.loop(each);
        real.@lock.inc(__dword_ptr[(ushort)Done]);
        real.hlt();

        Assembler flat = new(bitness: 32);
        byte[] trampoline = Bytes(real, Trampoline);
        for (int offset = 0; offset < trampoline.Length; offset++)
        {
            flat.mov(__byte_ptr[Trampoline + offset], trampoline[offset]);
        }

        flat.mov(__dword_ptr[Apic + 0xF0], 0x1FF);
        flat.mov(__dword_ptr[Apic + 0x300], 0x000C_4500);
        flat.mov(__dword_ptr[Apic + 0x300], 0x000C_4609);
        flat.mov(ecx, Rounds);
        Label again = flat.CreateLabel();
        flat.Label(ref again);
        Count(flat, isLocked);
        flat.loop(again);
        Label wait = flat.CreateLabel();
        flat.Label(ref wait);
        flat.cmp(__dword_ptr[Done], vcpus - 1);
        flat.jne(wait);
        flat.mov(eax, __dword_ptr[Counter]);
        flat.@out(0xF4, eax);
        flat.hlt();
        return BootImageLoader.Load(
            ImageBuilder.Elf(is64: false, Bytes(flat, CodeAddress)), commandLine: "");
    }

    private static void Count(Assembler assembler, bool isLocked)
    {
        if (isLocked)
        {
            assembler.@lock.inc(__dword_ptr[(ushort)Counter]);
        }
        else
        {
            assembler.mov(eax, __dword_ptr[(ushort)Counter]);
            assembler.inc(eax);
            assembler.mov(__dword_ptr[(ushort)Counter], eax);
        }
    }

    private static byte[] Bytes(Assembler assembler, uint at)
    {
        MemoryStream bytes = new();
        _ = assembler.Assemble(new StreamCodeWriter(bytes), at);
        return bytes.ToArray();
    }

    private static VirtualMachine Machine(int vcpus, bool isLocked, ulong turn) => VirtualMachine.Create(
        new MachineSpec(vcpus, MemoryBytes: 4 << 20, HypercallPatchPolicy.Auto, turn),
        [.. Enumerable.Repeat(TestCpuid.Table, vcpus)],
        HostVendor.Intel,
        CountingGuest(vcpus, isLocked));

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Locked_increments_of_all_vcpus_are_all_there(int vcpus)
    {
        using VirtualMachine machine = Machine(vcpus, isLocked: true, turn: 777);

        _ = machine.RunSlice(new SliceLimits(Enough, () => false));

        Assert.Equal(new MachineEnd.DebugExit((uint)(vcpus * Rounds)), machine.End);
    }

    [Fact]
    public void Increments_without_lock_are_lost_where_a_turn_ends_between_load_and_store()
    {
        using VirtualMachine machine = Machine(vcpus: 2, isLocked: false, turn: 100);

        _ = machine.RunSlice(new SliceLimits(Enough, () => false));

        MachineEnd.DebugExit end = Assert.IsType<MachineEnd.DebugExit>(machine.End);
        Assert.InRange(end.Value, (uint)Rounds, (uint)((2 * Rounds) - 1));
    }

    [Fact]
    public void However_a_run_is_cut_saved_and_restored_it_is_the_same_run()
    {
        int seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        Random random = new(seed);
        using VirtualMachine whole = Machine(vcpus: 3, isLocked: false, turn: 333);
        _ = whole.RunSlice(new SliceLimits(Enough, () => false));

        VirtualMachine cut = Machine(vcpus: 3, isLocked: false, turn: 333);
        while (cut.End is null && cut.VmTime < Enough)
        {
            _ = cut.RunSlice(new SliceLimits(cut.VmTime + (ulong)random.Next(1, 3000), () => false));
            if (random.Next(3) == 0)
            {
                var copy = VirtualMachine.Restore(
                    cut.Spec,
                    cut.Save(),
                    Enumerable.Range(0, cut.Memory.PageCount)
                        .Select(page => (page, (ReadOnlyMemory<byte>)cut.Memory.Page(page).ToArray())));
                cut.Dispose();
                cut = copy;
            }
        }

        Assert.Equal(whole.VmTime, cut.VmTime);
        Assert.Equal(whole.HashState(), cut.HashState());
        Assert.Equal(whole.SumMemory(), cut.SumMemory());
        cut.Dispose();
    }
}
