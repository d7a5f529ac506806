// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Text;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using Xunit;

namespace KvmActors.Actors.Tests.Cluster;

/// <summary>Setting a vCPU's CPUID table and what the guest has read of it, with a real machine: its guest reads leaf 7
/// and prints the low byte of EBX, again and again.</summary>
public sealed class VcpuCpuidTests
{
    // FSGSBASE, TSC_ADJUST and the inverted FDP_EXCPTN_ONLY: what a guest without a set prints.
    private const byte Offered = (byte)'C';

    // Mov eax, 7; xor ecx, ecx; cpuid; mov al, bl; mov dx, 3F8h; out dx, al; mov ecx, 1000000; dec ecx; jnz; jmp.
    private static readonly byte[] s_guest =
    [
        0x66, 0xB8, 7, 0, 0, 0, 0x66, 0x31, 0xC9, 0x0F, 0xA2, 0x88, 0xD8, 0xBA, 0xF8, 0x03, 0xEE,
        0x66, 0xB9, 0x40, 0x42, 0x0F, 0x00, 0x66, 0x49, 0x75, 0xFC, 0xEB, 0xE3,
    ];

    [Fact]
    public void A_table_that_is_set_before_the_start_is_read_by_the_guest_after_a_failover()
    {
        TestCluster cluster = NewCluster(seed: 21);

        cluster.World.Run(async () =>
        {
            await CreateAsync(cluster);
            Assert.IsType<ControlReply.Done>(await SetAsync(cluster, "node-2", Entries('B')));
            Assert.Equal('B', TableOf(await cluster.ShowAsync("node-3")));

            cluster["node-1"].Process.Kill();
            await cluster.WaitForAsync("node-3", IsAwayFrom("node-1"));
            await cluster.OrderAsync("node-3", new VmCommand.Start());

            Assert.Equal("BBB", await ReadAsync(cluster, "node-3", bytes: 3));
            await AssertReplaysAsync(cluster, "node-3");
        });
    }

    [Fact]
    public void A_vm_that_has_not_run_may_move_between_two_sets()
    {
        TestCluster cluster = NewCluster(seed: 22);

        cluster.World.Run(async () =>
        {
            await CreateAsync(cluster);
            Assert.IsType<ControlReply.Done>(await SetAsync(cluster, "node-1", Entries('A')));
            Assert.IsType<ControlReply.Migrated>(await cluster.MigrateAsync("node-1", "node-2"));
            Assert.Equal('A', TableOf(await cluster.ShowAsync("node-2")));
            Assert.IsType<ControlReply.Done>(await SetAsync(cluster, "node-1", Entries('B')));
            Assert.IsType<ControlReply.Migrated>(await cluster.MigrateAsync("node-1", "node-3"));
            cluster["node-3"].Process.Kill();
            await cluster.WaitForAsync("node-1", IsAwayFrom("node-3"));
            await cluster.OrderAsync("node-1", new VmCommand.Start());

            Assert.Equal("BB", await ReadAsync(cluster, "node-1", bytes: 2));
            await AssertReplaysAsync(cluster, "node-1");
        });
    }

    [Fact]
    public void After_the_first_instruction_only_the_same_table_is_accepted()
    {
        TestCluster cluster = NewCluster(seed: 23);

        cluster.World.Run(async () =>
        {
            await CreateAsync(cluster);
            await cluster.OrderAsync("node-1", new VmCommand.Start());
            await ReadAsync(cluster, "node-1", bytes: 2);

            Assert.IsType<ControlReply.Done>(await SetAsync(cluster, "node-1", Entries((char)Offered)));
            Refusal refusal = Refused(await SetAsync(cluster, "node-1", Entries('B')));

            Assert.Equal(RefusalKind.State, refusal.Kind);
            Assert.StartsWith(
                "Expected KVM_SET_CPUID2 of demo/0 to succeed; found EINVAL. Expected the table that the vCPU runs",
                refusal.Sentence,
                StringComparison.Ordinal);
            Assert.Equal("CCCC", await ReadAsync(cluster, "node-1", bytes: 4));
            await AssertReplaysAsync(cluster, "node-1");
        });
    }

    [Fact]
    public void A_table_that_kvm_or_the_node_refuses_is_refused_with_the_reason_and_changes_nothing()
    {
        TestCluster cluster = NewCluster(seed: 24);

        cluster.World.Run(async () =>
        {
            await CreateAsync(cluster);
            ImmutableArray<CpuidEntry> tooMany = [.. Enumerable.Repeat(Entries('B')[1], CpuidTable.EntriesMax + 1)];
            ImmutableArray<CpuidEntry> tooWide =
                [.. Entries('B'), new(0x8000_0008, 0, CpuidEntryFlags.None, 52 << 8, 0, 0, 0)];

            Refusal many = Refused(await SetAsync(cluster, "node-2", tooMany));
            Refusal wide = Refused(await SetAsync(cluster, "node-2", tooWide));
            Refusal lacking = Refused(await SetAsync(cluster, "node-2", Entries('K')));
            Refusal nobody = Refused(await cluster.OrderAsync("node-1", new VmCommand.SetCpuid(1, Entries('B'))));

            Assert.Contains(
                "found E2BIG. Expected at most 256 entries, found 257.", many.Sentence, StringComparison.Ordinal);
            Assert.Contains("found EINVAL. Expected 0, 48 or 57", wide.Sentence, StringComparison.Ordinal);
            Assert.Equal((RefusalKind.Invalid, RefusalKind.Invalid), (many.Kind, wide.Kind));
            Assert.Equal(RefusalKind.Unsuitable, lacking.Kind);
            Assert.Contains("1 missing: bmi1", lacking.Sentence, StringComparison.Ordinal);
            Assert.Equal(RefusalKind.NotFound, nobody.Kind);
            Assert.Equal((char)Offered, TableOf(await cluster.ShowAsync("node-1")));
        });
    }

    [Fact]
    public void A_retried_set_is_answered_and_not_repeated_also_by_the_next_owner()
    {
        TestCluster cluster = NewCluster(seed: 25);

        cluster.World.Run(async () =>
        {
            await CreateAsync(cluster);
            CommandId id = cluster.NextCommand();
            ControlReply first = await SetAsync(cluster, "node-1", Entries('A'), id);
            await SetAsync(cluster, "node-1", Entries('B'));

            Assert.Equal(first, await SetAsync(cluster, "node-2", Entries('A'), id));
            cluster["node-1"].Process.Kill();
            await cluster.WaitForAsync("node-3", IsAwayFrom("node-1"));
            Assert.Equal(first, await SetAsync(cluster, "node-3", Entries('A'), id));

            Assert.IsType<ControlReply.Done>(first);
            Assert.Equal('B', TableOf(await cluster.ShowAsync("node-3")));
        });
    }

    [Fact]
    public void What_a_guest_has_read_survives_a_migration_and_a_failover()
    {
        TestCluster cluster = NewCluster(seed: 26);

        cluster.World.Run(async () =>
        {
            await CreateAsync(cluster);
            await cluster.OrderAsync("node-1", new VmCommand.Start());
            VmStatus before = await cluster.WaitForAsync("node-1", HasRead(times: 3));
            Assert.IsType<ControlReply.Migrated>(await cluster.MigrateAsync("node-1", "node-2"));
            VmStatus moved = await cluster.WaitForAsync("node-1", HasRead(times: 6));
            cluster["node-2"].Process.Kill();
            await cluster.WaitForAsync("node-3", IsAwayFrom("node-2"));
            VmStatus after = await cluster.WaitForAsync("node-3", HasRead(times: 9));

            Assert.Equal(("node-1", "node-2"), (before.Owner!.Value.Name, moved.Owner!.Value.Name));

            // The third instruction of its life, VM time 2, is the first CPUID.
            Assert.All([before, moved, after], status => Assert.Equal((7u, 0u, 2ul), (
                SeenBy(status).Leaf, SeenBy(status).Subleaf, SeenBy(status).FirstVmTime)));
            await AssertReplaysAsync(cluster, "node-3");
        });
    }

    private static TestCluster NewCluster(ulong seed)
    {
        byte[] sector = new byte[512];
        s_guest.CopyTo(sector, 0);
        (sector[510], sector[511]) = (0x55, 0xAA);
        TestCluster cluster = new(seed) { Image = sector };
        cluster.Guests.Inner = new MachineGuestFactory("test");
        foreach (string name in (string[])["node-1", "node-2", "node-3"])
        {
            cluster.Add(name, HostVendor.Intel, CpuidTable.Of(Entries((char)Offered)));
        }

        return cluster;
    }

    private static ImmutableArray<CpuidEntry> Entries(char leaf7) =>
    [
        new(0, 0, CpuidEntryFlags.None, 7, 0x756E_6547, 0x6C65_746E, 0x4965_6E69),
        new(7, 0, CpuidEntryFlags.SignificantIndex, 0, leaf7, 0, 0),
    ];

    private static async Task CreateAsync(TestCluster cluster)
    {
        await cluster.StartAllAsync();
        Assert.IsType<ControlReply.Done>(await cluster.CreateAsync("node-1"));
    }

    private static Task<ControlReply> SetAsync(
        TestCluster cluster, string node, ImmutableArray<CpuidEntry> entries, CommandId? id = null) =>
        cluster.OrderAsync(node, new VmCommand.SetCpuid(0, entries), id);

    private static Refusal Refused(ControlReply reply) => Assert.IsType<ControlReply.Refused>(reply).Why;

    private static char TableOf(VmStatus status) => (char)status.Machine!.Vcpus[0].Cpuid.Find(7, 0)!.Value.Ebx;

    private static CpuidObservation SeenBy(VmStatus status) => Assert.Single(status.Machine!.Vcpus[0].Observed);

    private static Func<VmStatus, bool> HasRead(ulong times) =>
        status => status.Machine?.Vcpus[0].Observed is [{ Reads: var reads }] && reads >= times;

    private static Func<VmStatus, bool> IsAwayFrom(string node) =>
        status => status.Machine is not null && status.Owner?.Name != node;

    /// <summary>The console's first bytes.</summary>
    private static async Task<string> ReadAsync(TestCluster cluster, string node, int bytes)
    {
        string text = string.Empty;
        while (text.Length < bytes)
        {
            ControlReply reply = await cluster[node].AskAsync(new ControlRequest.ReadConsole(
                TestCluster.Vm, (ulong)text.Length, bytes - text.Length, TimeSpan.FromMilliseconds(100)));
            text += reply is ControlReply.ConsoleRead read ? Encoding.ASCII.GetString(read.Bytes.Span) : string.Empty;
        }

        return text;
    }

    private static async Task AssertReplaysAsync(TestCluster cluster, string node)
    {
        Assert.IsType<ControlReply.Done>(await cluster.OrderAsync(node, new VmCommand.Stop()));
        Assert.Equal(VmLifecycle.Stopped, (await cluster.ShowAsync(node)).Lifecycle);
        await MigrationTests.AssertEqualToTwinAsync(cluster);
    }
}
