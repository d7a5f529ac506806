// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Text;
using KvmActors.Cpu;
using KvmActors.Cpu.Apic;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Cpu.State;
using KvmActors.Machine;
using KvmActors.Machine.Devices;
using KvmActors.Persistence.Snapshots;
using KvmActors.Persistence.Tests.Events;

namespace KvmActors.Persistence.Tests.Snapshots;

public class SnapshotCodecTests
{
    /// <summary>Every field has a value of its own, so that a forgotten or swapped one shows.</summary>
    private static readonly MachineState s_state = new(
        VmTime: ulong.MaxValue - 1,
        HostVendor.Amd,
        Turn: 1,
        Runner: 2,
        TurnTicksLeft: 19_999,
        ConsoleBytes: 77,
        End: null,
        [Vcpu(0, VcpuActivity.Halted), Vcpu(1, VcpuActivity.Running), Vcpu(2, VcpuActivity.WaitForSipi)],
        PlatformState.PowerOn with
        {
            Serial = new(1, 2, 3, 4, 5, 0xFFFE, Overrun: true, TransmitInterruptPending: true, [9, 8, 7], 0),
        },
        [EventExamples.Patch]);

    public static TheoryData<string> Ends => ["none", "debug exit", "power off", "triple fault", "emulation failure"];

    [Theory]
    [MemberData(nameof(Ends))]
    public void A_state_comes_back_as_it_was(string end)
    {
        MachineState before = s_state with { End = End(end) };

        MachineState after = SnapshotCodec.Decode(SnapshotCodec.Encode(before));

        Assert.Equal(DeepText.Of(before), DeepText.Of(after));
    }

    [Fact]
    public void A_state_that_is_all_zero_comes_back_as_it_was()
    {
        MachineState before = s_state with { Vcpus = [], PatchSites = [], Platform = PlatformState.PowerOn };

        Assert.Equal(DeepText.Of(before), DeepText.Of(SnapshotCodec.Decode(SnapshotCodec.Encode(before))));
    }

    [Fact]
    public void The_same_state_gives_the_same_bytes()
    {
        Assert.Equal(SnapshotCodec.Encode(s_state).ToArray(), SnapshotCodec.Encode(s_state).ToArray());
    }

    [Fact]
    public void The_bytes_of_a_state_are_pinned_and_stay_readable()
    {
        // If this fails, old snapshots may not read: add a version, and do not edit the file.
        string golden = File
            .ReadAllText(Path.Combine(AppContext.BaseDirectory, "Snapshots", "golden-state.txt")).Trim();
        MachineState state = s_state with
        {
            // As old snapshots have it: in its turn a vCPU ran itself.
            Runner = 1,
            Vcpus = [Vcpu(1, VcpuActivity.Halted)],
            End = End("triple fault"),
        };

        Assert.Equal(golden, Convert.ToHexStringLower(SnapshotCodec.Encode(state).Span));
        Assert.Equal(DeepText.Of(state), DeepText.Of(SnapshotCodec.Decode(Convert.FromHexString(golden))));
    }

    [Fact]
    public void A_newer_version_is_refused()
    {
        byte[] bytes = SnapshotCodec.Encode(s_state).ToArray();
        bytes[4] = 4;

        JournalFormatException fault = Assert.Throws<JournalFormatException>(() => SnapshotCodec.Decode(bytes));

        Assert.Contains("found version 4", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_state_is_damage()
    {
        byte[] cut = SnapshotCodec.Encode(s_state).ToArray()[..100];

        Assert.Throws<StoreCorruptException>(() => SnapshotCodec.Decode(cut));
        Assert.Throws<StoreCorruptException>(() => SnapshotCodec.Decode(Encoding.ASCII.GetBytes("KVA")));
        Assert.Throws<StoreCorruptException>(() => SnapshotCodec.Decode(Encoding.ASCII.GetBytes("ELF!....")));
    }

    [Fact]
    public void No_changed_byte_is_met_with_another_exception()
    {
        int seed = 20260102;
        var random = new Random(seed);
        byte[] whole = SnapshotCodec.Encode(s_state).ToArray();
        for (int i = 0; i < 2000; i++)
        {
            byte[] changed = [.. whole];
            int at = random.Next(changed.Length);
            changed[at] = (byte)random.Next(256);

            Exception? fault = Record.Exception(() => SnapshotCodec.Decode(changed));

            Assert.True(
                fault is null or StoreCorruptException or JournalFormatException,
                $"seed {seed}, byte {at}: {fault}");
        }
    }

    [Fact]
    public void A_page_index_comes_back_as_it_was()
    {
        ImmutableArray<PageReference> pages =
        [
            new(0, Digest.Of([0])), new(1, Digest.Of([1])), new(5_000_000_000, Digest.Of([1])),
        ];

        Assert.Equal(pages.AsEnumerable(), PageIndexCodec.Decode(PageIndexCodec.Encode(pages)).AsEnumerable());
        Assert.Empty(PageIndexCodec.Decode(PageIndexCodec.Encode([])));
    }

    [Fact]
    public void Page_numbers_must_rise()
    {
        Assert.Throws<ArgumentException>(
            () => PageIndexCodec.Encode([new(3, Digest.Zero), new(3, Digest.Zero)]));
    }

    [Fact]
    public void A_page_index_that_lost_a_byte_is_damage()
    {
        byte[] bytes = PageIndexCodec.Encode([new(3, Digest.Zero)]).ToArray();

        Assert.Throws<StoreCorruptException>(() => PageIndexCodec.Decode(bytes.AsMemory(0, bytes.Length - 1)));
        Assert.Throws<StoreCorruptException>(() => PageIndexCodec.Decode(new byte[] { 0x0a, 0x01, 0x03 }));
    }

    private static MachineEnd? End(string name) => name switch
    {
        "none" => null,
        "debug exit" => new MachineEnd.DebugExit(0x31),
        "power off" => new MachineEnd.PoweredOff(),
        "triple fault" => new MachineEnd.TripleFault(2, "why"),
        _ => new MachineEnd.EmulationFailure(1, new Gva(0xdead), [1, 2, 3], "unknown"),
    };

    private static VcpuState Vcpu(int index, VcpuActivity activity)
    {
        ulong value = (ulong)index * 1_000_000;
        ulong Next() => ++value;
        return new VcpuState(
            index,
            [.. Enumerable.Range(0, 16).Select(_ => Next() << 40)],
            Rip: Next(),
            RFlags: Next(),
            [.. Enumerable.Range(0, 8).Select(_ => new SegmentState(
                (ushort)Next(), Next(), (uint)Next(), (uint)Next()))],
            new DescriptorTableState(Next(), 0xFFFF),
            new DescriptorTableState(Next(), (ushort)Next()),
            Cr0: Next(),
            Cr2: Next(),
            Cr3: Next(),
            Cr4: Next(),
            Cr8: Next(),
            Efer: Next(),
            Xcr0: Next(),
            [new MsrValue(0x174, Next()), new MsrValue(0xC000_0080, Next())],
            [.. Enumerable.Range(0, 6).Select(_ => Next())],
            [.. Enumerable.Range(0, 512).Select(i => (byte)(i * (index + 1)))],
            activity,
            index == 1 ? InterruptShadow.MovSs : InterruptShadow.None,
            InstructionsRetired: Next(),
            index == 0 ? CpuidTable.Empty : EventExamples.Table,
            [new CpuidObservation(0x4000_0000, 0, Next(), Next())],
            LocalApicState.Reset(index) with { TimerDeadline = Next(), TscDeadline = Next() },
            new VcpuEvents(index == 0, index == 1, index == 0, index == 0 ? null : (byte)0x9F, IsKicked: index == 0),
            HeldBreakpoints: (byte)(2 * index),
            RandomsDrawn: Next());
    }
}
