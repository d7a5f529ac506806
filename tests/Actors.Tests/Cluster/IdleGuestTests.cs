// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Replay;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Hypercalls;
using Xunit;

namespace KvmActors.Actors.Tests.Cluster;

/// <summary>A guest that halts between the interrupts of its timer, 100 a second.</summary>
public sealed class IdleGuestTests
{
    private static readonly TimeSpan s_life = TimeSpan.FromSeconds(10);

    [Fact]
    public void A_resting_guests_second_is_a_second_of_the_clock_and_replays_without_one()
    {
        TestCluster cluster = NewCluster();
        cluster.World.Run(async () =>
        {
            await StartAsync(cluster);
            await cluster.World.Time.DelayAsync(s_life);
            VmStatus status = await cluster.ShowAsync("node-1");

            AssertLived(status, s_life);
            Assert.True(status.InstructionsRetired < 20_000, $"{status.InstructionsRetired} instructions");
            await AssertReplaysAsync(cluster);
        });
    }

    [Fact]
    public void Time_in_which_a_guest_is_paused_is_none_of_its_time()
    {
        TestCluster cluster = NewCluster();
        cluster.World.Run(async () =>
        {
            await StartAsync(cluster);
            await cluster.World.Time.DelayAsync(s_life / 2);
            Assert.IsType<ControlReply.Done>(await cluster.OrderAsync("node-1", new VmCommand.Pause()));
            await cluster.World.Time.DelayAsync(TimeSpan.FromMinutes(1));
            Assert.IsType<ControlReply.Done>(await cluster.OrderAsync("node-1", new VmCommand.Resume()));
            await cluster.World.Time.DelayAsync(s_life / 2);

            AssertLived(await cluster.ShowAsync("node-1"), s_life);
            await AssertReplaysAsync(cluster);
        });
    }

    [Fact]
    public void A_resting_guest_moves_and_goes_on_resting()
    {
        TestCluster cluster = NewCluster();
        cluster.World.Run(async () =>
        {
            await StartAsync(cluster);
            await cluster.World.Time.DelayAsync(s_life / 2);
            Assert.IsType<ControlReply.Migrated>(await cluster.MigrateAsync("node-1", "node-2"));
            await cluster.World.Time.DelayAsync(s_life / 2);

            VmStatus status = await cluster.ShowAsync("node-2");
            Assert.Equal("node-2", status.Owner!.Value.Name);
            AssertLived(status, s_life);
            await AssertReplaysAsync(cluster);
        });
    }

    // What a move or a pause holds is not made up for, so a little less may have passed.
    private static void AssertLived(VmStatus status, TimeSpan life)
    {
        double seconds = status.VmTime / 1e9;
        Assert.InRange(seconds, life.TotalSeconds - 0.2, life.TotalSeconds + 0.01);
    }

    private static async Task AssertReplaysAsync(TestCluster cluster)
    {
        ReplayReport replay = await cluster.ReplayAsync();
        Assert.Null(replay.Divergence);
        Assert.True(replay.StatesCompared > 10, $"{replay.StatesCompared} states compared");
    }

    private static async Task StartAsync(TestCluster cluster)
    {
        await cluster.StartAllAsync();
        Assert.IsType<ControlReply.Done>(await cluster.CreateAsync("node-1"));
        Assert.IsType<ControlReply.Done>(await cluster.OrderAsync("node-1", new VmCommand.Start()));
    }

    private static TestCluster NewCluster()
    {
        byte[] sector = new byte[512];
        byte[] code =
        [
            0xEB, 0x0A,                         // jmp start
            0xFF, 0x06, 0x00, 0x05,             // handler: inc word [500h]
            0xB0, 0x20, 0xE6, 0x20, 0xCF, 0x90, // mov al, 20h; out 20h, al; iret
            0x31, 0xC0, 0x8E, 0xD8, 0x8E, 0xD0, // start: xor ax, ax; mov ds, ax; mov ss, ax
            0xBC, 0x00, 0x70,                   // mov sp, 7000h
            0xC7, 0x06, 0x20, 0x00, 0x02, 0x7C, // mov word [20h], handler
            0x8C, 0x1E, 0x22, 0x00,             // mov [22h], ds
            .. Out(0x20, 0x11), .. Out(0x21, 8), .. Out(0x21, 4), .. Out(0x21, 1), .. Out(0x21, 0xFE),
            .. Out(0x43, 0x34), .. Out(0x40, 11932 & 0xFF), .. Out(0x40, 11932 >> 8),
            0xFB, 0xF4, 0xEB, 0xFD,             // sti; again: hlt; jmp again
        ];
        code.CopyTo(sector, 0);
        (sector[510], sector[511]) = (0x55, 0xAA);
        TestCluster cluster = new(seed: 1, HostVendor.Intel, HostVendor.Intel) { Image = sector };
        cluster.Guests.Inner = new MachineGuestFactory("test");
        return cluster;
    }

    private static byte[] Out(byte port, byte value) => [0xB0, value, 0xE6, port];
}
