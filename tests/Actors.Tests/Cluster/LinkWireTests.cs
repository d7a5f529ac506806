// SPDX-License-Identifier: Apache-2.0

using System.Collections;
using System.Collections.Immutable;
using System.Reflection;
using Google.Protobuf;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Migration;
using KvmActors.Actors.Vcpu;
using KvmActors.Actors.Vm;
using KvmActors.Actors.Wire;
using KvmActors.Cpu;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Formats;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine;
using KvmActors.Machine.Hashing;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Snapshots;
using KvmActors.TestKit.Guests;
using Xunit;

namespace KvmActors.Actors.Tests.Cluster;

/// <summary>What goes over the link comes back as it was, each case of each union.</summary>
public sealed class LinkWireTests
{
    private static readonly VmId s_vm = VmId.Parse("web");
    private static readonly CommandId s_id = new("cli", "7");
    private static readonly MachineSpec s_spec = new(1, 8 * 4096, HypercallPatchPolicy.Patch, 1000);
    private static readonly Actors.Migration.MigrationKey s_key =
        new(s_vm, new MigrationId("web-2-9"), new Epoch(2), new NodeId("node-1#4"));

    private static readonly CpuidTable s_table =
        CpuidTable.Of([new CpuidEntry(7, 0, CpuidEntryFlags.SignificantIndex, 1, 2, 3, 4)]);

    private static readonly HypercallPatch s_patch = new(
        0, 5, new Gva(0x40), new Gpa(0x1040), [0x0f, 0x01, 0xc1], [0x0f, 0x01, 0xd9], HostVendor.Amd);

    private static readonly ControlRequest[] s_requests =
    [
        new ControlRequest.CreateVm(
            s_id, new VmBlueprint(s_vm, s_spec, "kernel.elf", new byte[] { 1, 2 }, "quiet", [s_table], "node-3")
            {
                Initrd = new byte[] { 3, 4, 5 },
            }),
        new ControlRequest.Order(s_id, s_vm, new VmCommand.Start()),
        new ControlRequest.Order(s_id, s_vm, new VmCommand.Pause()),
        new ControlRequest.Order(s_id, s_vm, new VmCommand.Resume()),
        new ControlRequest.Order(s_id, s_vm, new VmCommand.Stop()),
        new ControlRequest.Order(s_id, s_vm, new VmCommand.Input([7, 8])),
        new ControlRequest.Order(
            s_id, s_vm, new VmCommand.SetCpuid(3, [new(1, 2, (CpuidEntryFlags)0xDEAD_BEE7, 3, 4, 5, 6, 7, 8, 9)])),
        new ControlRequest.Order(s_id, s_vm, new VmCommand.TakeSnapshot()),
        new ControlRequest.Order(s_id, s_vm, new VmCommand.Delete(Force: true)),
        new ControlRequest.RestoreVm(s_id, new VmDraft(
            s_vm,
            new JournalEvent.VmCreated(s_spec, "kernel.elf", new string('a', 64), "quiet")
            {
                Origin = new VmOrigin(
                    VmOriginKind.Fork, s_vm, 9, 8, 7, new StateHash(new string('b', 64)), new MemorySum(5)),
            },
            Status().Machine!,
            [new PageReference(3, Digest.Zero), new PageReference(7, Digest.Of([1]))],
            new byte[] { 1, 2 },
            "node-3")
        {
            PagesSince = 4,
        }),
        new ControlRequest.MigrateVcpu(s_id, s_vm.Vcpu(3), "node-2"),
        new ControlRequest.MigrateVm(s_id, s_vm, "node-2"),
        new ControlRequest.CheckMove(s_vm, "node-2"),
        new ControlRequest.CancelMove(s_id, s_vm),
        new ControlRequest.DrainNode("node-2"),
        new ControlRequest.ShowVm(s_vm),
        new ControlRequest.ListOwnVms(),
        new ControlRequest.ReadConsole(s_vm, 12, 100, TimeSpan.FromMilliseconds(20)),
    ];

    [Fact]
    public void Every_request_a_node_forwards_arrives_as_it_was_sent() => Assert.All(
        s_requests,
        request => Assert.Equal(Text(request), Text(ControlWire.From(Again(ControlWire.Of(request))))));

    [Fact]
    public void Every_kind_of_request_is_tried_but_those_that_any_node_answers_itself() => Assert.Equal(
        Cases<ControlRequest>().Except([nameof(ControlRequest.ListVms), nameof(ControlRequest.ReleaseVm)]).Order(),
        s_requests.Select(request => request.GetType().Name).Distinct().Order());

    [Fact]
    public void Every_reply_arrives_as_it_was_sent()
    {
        ControlReply[] replies =
        [
            new ControlReply.Done("done"),
            new ControlReply.SnapshotTaken(s_vm, 3, 1_000, new NodeId("node-1#4")),
            new ControlReply.Migrated(Report(Parts(1))),
            new ControlReply.Migrated(Report(null)),
            new ControlReply.Draining(new DrainStatus(
                new NodeId("node-2#1"), 3, 2, [new DrainProblem(s_vm, "no room")], IsDone: true)),
            new ControlReply.MoveChecked(
                s_vm,
                new NodeId("node-1#4"),
                new NodeId("node-2#1"),
                [new Refusal(RefusalKind.Unsuitable, "a", "b", "c")]),
            new ControlReply.Shown(Status()),
            new ControlReply.Listed([Status() with { Machine = null, End = null, ExitCode = null, Recovery = null }])
            {
                MemoryBytesMax = 7,
            },
            new ControlReply.ConsoleRead(9, new byte[] { 4 }, IsComplete: true),
            new ControlReply.Refused(new Refusal(RefusalKind.Busy, "a", "b", "c")),
            new ControlReply.NotOwner(s_vm, new NodeId("node-2#1"), new Epoch(4)),
        ];

        Assert.Equal(Cases<ControlReply>().Order(), replies.Select(reply => reply.GetType().Name).Distinct().Order());
        Assert.All(
            replies, reply => Assert.Equal(Text(reply), Text(ControlWire.From(Again(ControlWire.Of(reply))))));
    }

    [Fact]
    public void Every_migration_message_arrives_as_it_was_sent()
    {
        MigrationMessage[] messages =
        [
            new MigrationMessage.Offer(
                s_key,
                "engine 1",
                new JournalEvent.VmCreated(s_spec, "kernel.elf", new string('a', 64), "quiet"),
                [new GuestCpuid(s_table, [new CpuidObservation(7, 0, 11, 2)])]),
            new MigrationMessage.Check(
                s_key, "engine 1", 4096, [new GuestCpuid(s_table, [new CpuidObservation(7, 0, 11, 2)])]),
            new MigrationMessage.Pages(
                s_key,
                [
                    MovedPage.Raw(new CapturedPage(3, new byte[4096])),
                    MovedPage.Raw(new CapturedPage(4, ReadOnlyMemory<byte>.Empty)),
                    new MovedPage(5, PageForm.Brotli, new byte[] { 1, 2 }, SameAs: 0),
                    new MovedPage(6, PageForm.SameAs, ReadOnlyMemory<byte>.Empty, SameAs: 5),
                ],
                Batch: 7),
            new MigrationMessage.Final(
                s_key,
                Machine(),
                new StateHash(new string('b', 64)),
                new MemorySum(UInt128.MaxValue - 5),
                new byte[] { 1 },
                [new StreamHead(s_vm.Stream, 4, Digest.Of("x"u8))]),
            new MigrationMessage.HandOver(s_key, new DedupEntry(s_vm.Vcpu(0), s_id, new byte[] { 9 })),
            new MigrationMessage.HandOver(s_key, Reply: null),
            new MigrationMessage.Cancel(s_key),
        ];

        Assert.Equal(
            Cases<MigrationMessage>().Order(), messages.Select(message => message.GetType().Name).Distinct().Order());
        Assert.All(
            messages,
            message => Assert.Equal(
                Text(message),
                Text(Again(message))));
    }

    [Fact]
    public void Pages_of_version_1_arrive_as_they_were_sent()
    {
        MigrationMessage.Pages pages = new(
            s_key,
            [
                MovedPage.Raw(new CapturedPage(3, new byte[4096])),
                MovedPage.Raw(new CapturedPage(4, ReadOnlyMemory<byte>.Empty)),
            ],
            Batch: 0);

        LinkRequest request = LinkRequest.Parser.ParseFrom(MigrationWire.Of(pages).ToByteArray());

        Assert.Equal((2, 0), (request.Pages.Pages.Count, request.PageBatch.Length));
        Assert.Equal(Text(pages), Text(Again(pages)));
    }

    [Fact]
    public void A_batch_of_pages_is_the_last_field_of_a_request_that_any_Protobuf_reads()
    {
        ImmutableArray<MovedPage> pages = [MovedPage.Raw(new CapturedPage(3, new byte[4096]))];
        byte[] bytes = Bytes(new MigrationMessage.Pages(s_key, pages, Batch: 7));

        LinkRequest request = LinkRequest.Parser.ParseFrom(bytes);
        byte[] more = [.. bytes, .. new LinkRequest { Writes = 2 }.ToByteArray()];

        Assert.Equal(7u, request.Pages.Batch);
        Assert.Equal(3, PageBatch.Read(request.PageBatch.Memory).Single().PageNumber);
        Assert.Throws<InvalidDataException>(() => RequestBytes.Parse(more, out _));
        Assert.Throws<InvalidDataException>(() => RequestBytes.Parse(bytes.AsMemory(0, bytes.Length - 1), out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData("000000")]
    [InlineData("01000000")]
    [InlineData("ffffffff000000000000000000000000")]
    [InlineData("01000000" + "030000000000000100000000")]
    [InlineData("01000000" + "030000000000000000000000" + "aa")]
    [InlineData("01000000" + "030000000001000000000000")]
    public void A_batch_whose_records_and_bytes_do_not_fit_is_refused(string hex) =>
        Assert.Throws<InvalidDataException>(() => PageBatch.Read(Convert.FromHexString(hex)));

    [Fact]
    public void What_is_lent_with_a_request_is_not_used_behind_its_answer()
    {
        int uses = 0;
        using PageLoan loan = new();

        bool whileLent = loan.TryUse(() => uses++);
        loan.Dispose();
        bool afterwards = loan.TryUse(() => uses++);

        Assert.Equal((true, false, 1), (whileLent, afterwards, uses));
    }

    [Theory]
    [InlineData("")]
    [InlineData("0a00")]
    [InlineData("2200")]
    [InlineData("ff")]
    public async Task A_request_that_is_none_is_refused_without_harm(string hex)
    {
        TestCluster cluster = new(seed: 31, HostVendor.Intel);
        cluster.World.Run(() => cluster.StartAllAsync());

        await Assert.ThrowsAsync<InvalidDataException>(() => cluster["node-1"].Node.HandleLinkAsync(
            Convert.FromHexString(hex), CancellationToken.None));
    }

    [Fact]
    public async Task A_peer_speaks_for_itself_and_for_no_other_node()
    {
        TestCluster cluster = new(seed: 31, HostVendor.Intel);
        cluster.World.Run(() => cluster.StartAllAsync());
        byte[] move = MigrationWire.Of(new MigrationMessage.Cancel(s_key)).ToByteArray();
        ClusterNode node = cluster["node-1"].Node;

        UnauthorizedAccessException fault = await Assert.ThrowsAsync<UnauthorizedAccessException>(
            () => node.HandleLinkAsync(move, "node-2", CancellationToken.None));

        Assert.StartsWith(
            "Expected node-2 to move its own VMs, found a message of a move from node-1#4.", fault.Message,
            StringComparison.Ordinal);
        cluster.World.Run(() => node.HandleLinkAsync(move, "node-1", CancellationToken.None));
    }

    private static IEnumerable<string> Cases<T>() =>
        typeof(T).GetNestedTypes().Where(type => type.IsSubclassOf(typeof(T))).Select(type => type.Name);

    private static MigrationMessage Again(MigrationMessage message)
    {
        LinkRequest request = RequestBytes.Parse(Bytes(message), out ReadOnlyMemory<byte> pages);
        return MigrationWire.From(request, pages, new PageLoan())!;
    }

    private static byte[] Bytes(MigrationMessage message)
    {
        LinkRequest head = MigrationWire.Of(message);
        if (message is not MigrationMessage.Pages { IsOneBatch: true } pages)
        {
            return head.ToByteArray();
        }

        byte[] bytes = new byte[RequestBytes.SizeOf(head, pages.All)];
        RequestBytes.Write(head, pages.All, bytes);
        return bytes;
    }

    private static ControlCall Again(ControlCall call) => ControlCall.Parser.ParseFrom(call.ToByteArray());

    private static ControlAnswer Again(ControlAnswer answer) => ControlAnswer.Parser.ParseFrom(answer.ToByteArray());

    // Records with arrays and memory compare by reference; this text holds every element and the type of each case.
    private static string Text(object? value) => value switch
    {
        null => "null",
        ReadOnlyMemory<byte> bytes => Convert.ToHexStringLower(bytes.Span),
        CpuidTable table => CpuidJson.Write(table),
        string or IFormattable or VmId or StreamId or Epoch or NodeId or Digest or CommandId or MigrationId or bool =>
            $"{value}",
        IEnumerable many => $"[{string.Join(", ", many.Cast<object?>().Select(Text))}]",
        _ => $"{value.GetType().Name} {{ {string.Join(", ", Properties(value))} }}",
    };

    private static IEnumerable<string> Properties(object value) =>
        from property in value.GetType().GetProperties(BindingFlags.Instance | BindingFlags.Public)
        where property.GetIndexParameters().Length == 0
        select $"{property.Name} = {Text(property.GetValue(value))}";

    private static MachineState Machine()
    {
        using IGuest guest = new ModelGuestFactory().Create(
            s_spec, [s_table], HostVendor.Amd, new GuestImage(TestCluster.Program.ToImage(), string.Empty));
        return guest.Save();
    }

    private static DowntimeReport Parts(long first)
    {
        TimeSpan[] parts = [.. Enumerable.Range(0, 8).Select(part => TimeSpan.FromTicks(first << part))];
        return new DowntimeReport(
            parts[0], parts[1], parts[2], parts[3], parts[4], parts[5], parts[6], parts[7]);
    }

    private static MigrationReport Report(DowntimeReport? downtime) => new(
        new MigrationId("m"),
        s_vm.Vcpu(0),
        2,
        new NodeId("node-1#1"),
        new NodeId("node-2#1"),
        new Epoch(1),
        new Epoch(2),
        77,
        downtime,
        10,
        2,
        3,
        4096);

    private static VmStatus Status() => new(
        s_vm,
        VmLifecycle.Ended,
        new NodeId("node-1#1"),
        new Epoch(2),
        HostVendor.Amd,
        s_spec,
        "kernel.elf",
        new string('a', 64),
        VmTime: 9,
        InstructionsRetired: 8,
        DurableVmTime: 7,
        ConsoleBytes: 6,
        "It ended.",
        ExitCode: 33,
        new NodeId("node-2#1"),
        "a problem",
        new RecoveryReport(new NodeId("node-3#1"), new Epoch(2), 1, 2, 3, TimeSpan.FromMilliseconds(4)),
        [new VcpuPatch(s_patch, new NodeId("node-2#1"), new Epoch(2))],
        Machine())
    {
        Move = new MoveProgress(
            new MigrationId("m"),
            new NodeId("node-2#1"),
            MigrationPhase.PreCopy,
            2,
            3,
            4,
            5,
            TimeSpan.FromMilliseconds(6)),
    };
}
