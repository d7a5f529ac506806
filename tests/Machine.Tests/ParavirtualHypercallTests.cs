// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using Iced.Intel;
using KvmActors.Cpu;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine.Time;
using Xunit;
using Xunit.Abstractions;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Machine.Tests;

/// <summary>Hypercalls by which vCPUs wake, interrupt and yield to each other, and which read the clocks.</summary>
public sealed class ParavirtualHypercallTests(ITestOutputHelper output)
{
    private const int Kicks = 5;

    private const int VapicPollIrq = 1;
    private const int KickCpu = 5;
    private const int ClockPairing = 9;
    private const int SendIpi = 10;
    private const int SchedYield = 11;

    // Shared words.
    private const int Ready = 0;
    private const int Woken = 1;
    private const int Answers = 2;
    private const int Early = 3;

    /// <summary>The second vCPU sleeps with interrupts off; each kick lets it go on by one, at once.</summary>
    private static ParavirtualGuest Kicked() => new(
        vcpus: 2,
        turnTicks: 5000,
        code =>
        {
            ParavirtualGuest.Await(code, Ready, 1);
            for (int kick = 0; kick < Kicks; kick++)
            {
                Label more = code.CreateLabel();
                code.mov(esi, 6000);
                code.Label(ref more);
                code.dec(esi);
                code.jnz(more);
                code.mov(edx, ParavirtualGuest.Word(Woken));
                code.mov(eax, KickCpu);
                code.mov(ebx, -1);
                code.mov(ecx, 1);
                code.vmcall();
                code.or(ParavirtualGuest.Word(Answers), eax);

                // What the kicked one did before this vCPU goes on.
                code.neg(edx);
                code.add(edx, ParavirtualGuest.Word(Woken));
                code.add(ParavirtualGuest.Word(Early), edx);
            }

            code.mov(eax, KickCpu);
            code.mov(ecx, 7);
            code.vmcall();
            code.or(ParavirtualGuest.Word(Answers), eax);
            ParavirtualGuest.End(code, Woken);
        },
        code =>
        {
            code.cli();
            code.mov(ParavirtualGuest.Word(Ready), 1);
            Label again = code.CreateLabel();
            code.Label(ref again);
            code.hlt();
            code.inc(ParavirtualGuest.Word(Woken));
            code.jmp(again);
        });

    /// <summary>The others wait for vector 40H, the first one sends it to vCPUs 1 and 2 of 3.</summary>
    private static ParavirtualGuest Interrupted() => new(
        vcpus: 3,
        turnTicks: 700,
        code =>
        {
            ParavirtualGuest.Await(code, Ready, 2);
            code.mov(eax, SendIpi);
            code.mov(ebx, 0b1_1011);
            code.mov(ecx, -1);
            code.mov(edx, 1);
            code.mov(esi, 0x4040);
            code.vmcall();
            code.mov(ParavirtualGuest.Word(Answers), eax);
            ParavirtualGuest.Await(code, Woken, 2);
            ParavirtualGuest.End(code, Answers);
        },
        code =>
        {
            // The handler is where the call would return to.
            Label start = code.CreateLabel();
            code.call(start);
            code.@lock.inc(ParavirtualGuest.Word(Woken));
            ParavirtualGuest.WriteMsr(code, ParavirtualGuest.EndOfInterrupt, 0);
            code.iret();
            code.Label(ref start);
            code.pop(ax);
            code.mov(__word_ptr[0x40 * 4], ax);
            code.mov(__word_ptr[(0x40 * 4) + 2], 0);
            code.@lock.inc(ParavirtualGuest.Word(Ready));
            code.sti();
            Label wait = code.CreateLabel();
            code.Label(ref wait);
            code.hlt();
            code.jmp(wait);
        });

    /// <summary>vCPUs 0 and 2 give each other every turn they get; 1 counts, and ends the VM when it is done.</summary>
    private static ParavirtualGuest Yielding() => new(
        vcpus: 3,
        turnTicks: 1000,
        code => YieldForEver(code, to: 2),
        code =>
        {
            Label second = code.CreateLabel();
            ReadApicId(code);
            code.cmp(ax, 1);
            code.je(second);
            YieldForEver(code, to: 0);
            code.Label(ref second);
            code.mov(cx, 3000);
            Label count = code.CreateLabel();
            code.Label(ref count);
            code.inc(ParavirtualGuest.Word(Woken));
            code.loop(count);
            ParavirtualGuest.End(code, Woken);
        });

    private static ParavirtualGuest Named(string name) => name switch
    {
        nameof(Kicked) => Kicked(),
        nameof(Interrupted) => Interrupted(),
        nameof(Yielding) => Yielding(),
        _ => throw new ArgumentOutOfRangeException(nameof(name)),
    };

    private static void ReadApicId(Assembler code)
    {
        code.mov(ecx, 0x802);
        code.rdmsr();
    }

    private static void YieldForEver(Assembler code, int to)
    {
        Label again = code.CreateLabel();
        code.Label(ref again);
        code.mov(eax, SchedYield);
        code.mov(ebx, to);
        code.vmcall();
        code.or(ParavirtualGuest.Word(Answers), eax);
        code.jmp(again);
    }

    [Theory]
    [InlineData(HostVendor.Intel)]
    [InlineData(HostVendor.Amd)]
    public void A_kick_wakes_its_vcpu_which_runs_at_once_and_an_unknown_id_is_answered_0_too(HostVendor vendor)
    {
        using VirtualMachine machine = Kicked().Run(vendor);

        Assert.Equal(new MachineEnd.DebugExit(Kicks), machine.End);
        Assert.Equal((0u, (uint)Kicks),
            (ParavirtualGuest.ReadWord(machine, Answers), ParavirtualGuest.ReadWord(machine, Early)));
    }

    [Fact]
    public void An_IPI_goes_to_the_vcpus_of_the_bitmap_and_says_how_many_took_it()
    {
        // Bits 0, 1, 3 and 4 from id 1 on, and 32 ids more: of these only 1 and 2 exist.
        using VirtualMachine machine = Interrupted().Run();

        Assert.Equal(new MachineEnd.DebugExit(2), machine.End);
        Assert.Equal(2u, ParavirtualGuest.ReadWord(machine, Woken));
    }

    [Fact]
    public void However_vcpus_yield_to_each_other_the_third_has_its_turns()
    {
        using VirtualMachine machine = Yielding().Run();

        Assert.Equal(new MachineEnd.DebugExit(3000), machine.End);
        Assert.Equal(0u, ParavirtualGuest.ReadWord(machine, Answers));
    }

    [Fact]
    public void A_yield_hands_over_the_rest_of_the_turn_and_its_lender_comes_next_if_the_other_halts()
    {
        // vCPU 1 is kicked in its sleep and sleeps again: the first one has the rest of its turn back.
        ParavirtualGuest guest = Kicked();
        using VirtualMachine machine = guest.Start();
        HashSet<(int Turn, int Runner)> seen = [];
        while (machine.End is null)
        {
            _ = machine.RunSlice(new SliceLimits(machine.VmTime + 1, () => false));
            MachineState state = machine.Save();
            seen.Add((state.Turn, state.Runner));
        }

        Assert.Contains((0, 1), seen);
        Assert.DoesNotContain((1, 0), seen);
    }

    [Theory]
    [InlineData(nameof(Kicked))]
    [InlineData(nameof(Interrupted))]
    [InlineData(nameof(Yielding))]
    public void However_a_run_is_cut_saved_and_restored_it_is_the_same_run(string name)
    {
        int seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        Random random = new(seed);
        using VirtualMachine whole = Named(name).Run();

        VirtualMachine cut = Named(name).Start();
        while (cut.End is null && cut.VmTime < ParavirtualGuest.Enough)
        {
            _ = cut.RunSlice(new SliceLimits(cut.VmTime + (ulong)random.Next(1, 400), () => false));
            if (random.Next(3) == 0)
            {
                VirtualMachine copy = ParavirtualGuest.Copy(cut);
                cut.Dispose();
                cut = copy;
            }
        }

        Assert.NotNull(whole.End);
        Assert.Equal(whole.VmTime, cut.VmTime);
        Assert.Equal(whole.HashState(), cut.HashState());
        Assert.Equal(whole.SumMemory(), cut.SumMemory());
        cut.Dispose();
    }

    [Theory]
    [InlineData(HostVendor.Intel)]
    [InlineData(HostVendor.Amd)]
    public void Two_vcpus_in_turns_of_one_instruction_on_one_fresh_site_both_get_their_answer(HostVendor vendor)
    {
        // The routine is VMCALL and RET, foreign to an AMD host.
        const ulong Routine = 0x8800;
        ParavirtualGuest guest = new(
            vcpus: 2,
            turnTicks: 1,
            code =>
            {
                code.mov(esp, 0x7800);
                code.mov(__dword_ptr[Routine], 0xC3C1_010F);
                code.mov(ParavirtualGuest.Word(Ready), 1);
                Call(code);
                ParavirtualGuest.Await(code, Woken, 1);
                ParavirtualGuest.End(code, Answers);
            },
            code =>
            {
                ParavirtualGuest.Await(code, Ready, 1);
                Call(code);
                code.inc(ParavirtualGuest.Word(Woken));
                code.hlt();
            });

        using VirtualMachine machine = guest.Run(vendor);

        Assert.Equal(new MachineEnd.DebugExit(2), machine.End);
        Assert.Equal(vendor == HostVendor.Amd ? 1 : 0, machine.Save().PatchSites.Length);

        static void Call(Assembler code)
        {
            Label wrong = code.CreateLabel();
            code.mov(eax, VapicPollIrq);
            code.call(Routine);
            code.cmp(eax, 0);
            code.jne(wrong);
            code.@lock.inc(ParavirtualGuest.Word(Answers));
            code.Label(ref wrong);
            code.nop();
        }
    }

    [Fact]
    public void Paired_clocks_are_the_wall_clock_and_the_TSC_of_the_call()
    {
        const ulong Pair = 0x8100;
        const uint Moved = 2_000_000_000;
        ParavirtualGuest guest = new(
            vcpus: 1,
            turnTicks: 1000,
            code =>
            {
                ParavirtualGuest.WriteMsr(code, 0x10, Moved);
                PairClocks(code, at: (int)Pair, type: 0);
                code.mov(ParavirtualGuest.Word(Answers), eax);
                code.rdtsc();
                code.mov(ParavirtualGuest.Word(Woken), eax);
                PairClocks(code, at: (4 << 20) - 63, type: 0);
                code.mov(ParavirtualGuest.Word(Early), eax);
                PairClocks(code, at: (int)Pair + 64, type: 1);
                code.mov(ParavirtualGuest.Word(Ready), eax);
                ParavirtualGuest.End(code, Answers);
            },
            code => code.hlt());

        using VirtualMachine machine = guest.Run();

        byte[] pair = new byte[128];
        machine.Memory.Read(new Gpa(Pair), pair);
        ulong tsc = BinaryPrimitives.ReadUInt64LittleEndian(pair.AsSpan(16));
        ulong adjust = machine.Save().Vcpus[0].Msrs.Single(msr => msr.Index == 0x3B).Value;
        Assert.Equal(new MachineEnd.DebugExit(0), machine.End);
        Assert.Equal(ParavirtualGuest.WallClockStart, BinaryPrimitives.ReadUInt64LittleEndian(pair));
        Assert.Equal(tsc - adjust, BinaryPrimitives.ReadUInt64LittleEndian(pair.AsSpan(8)));

        // VMCALL, MOV, RDTSC.
        Assert.Equal(tsc + 2, ParavirtualGuest.ReadWord(machine, Woken));
        Assert.Equal(new byte[104], pair[24..]);
        Assert.Equal(unchecked((uint)-14), ParavirtualGuest.ReadWord(machine, Early));
        Assert.Equal(unchecked((uint)-95), ParavirtualGuest.ReadWord(machine, Ready));

        static void PairClocks(Assembler code, int at, int type)
        {
            code.mov(eax, ClockPairing);
            code.mov(ebx, at);
            code.mov(ecx, type);
            code.vmcall();
        }
    }
}
