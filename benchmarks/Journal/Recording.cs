// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Replay;
using KvmActors.Actors.Vm;
using KvmActors.Benchmarks.Parts;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Models;
using KvmActors.Cpu.Cpuid.Vetting;
using KvmActors.Cpu.Debugging;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine;
using KvmActors.Machine.Loaders;
using KvmActors.Machine.Time;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Sqlite;
using KvmActors.Samples.Guests;

namespace KvmActors.Benchmarks.Journal;

/// <summary>What a guest that computes pays for being recorded, and how fast its recording is replayed and walked
/// through.</summary>
internal static class Recording
{
    private const int Steps = 30;
    private static readonly VmId s_vm = VmId.Parse("busy");

    /// <summary>Runs of each kind, one after the other in turn, of which the median counts.</summary>
    private const int Rounds = 5;

    /// <summary>With which the guest that prints runs for some seconds at the translator's speed: what recording costs
    /// is a matter of the long run, and its first seconds have the first snapshot in them.</summary>
    private const int SegmentNumbers = 64 * 1024;

    public static async Task MeasureAsync(string folder, Action<string, FormattableString> print)
    {
        await MeasureAsync(folder, "computes", ComputeGuest.Build(300_000_000), print);
        StoryGuestSize size = new(StoryGuestSize.NumbersMax / SegmentNumbers, 64 * 1024, SegmentNumbers);
        byte[] story = StoryGuest.Build(HostVendor.Intel, size);
        await using SqliteStore store = await MeasureAsync(folder, "prints", story, print);
        await WalkAsync(store, print);
    }

    /// <returns>The store of the last round.</returns>
    private static async Task<SqliteStore> MeasureAsync(
        string folder, string what, byte[] image, Action<string, FormattableString> print)
    {
        MachineSpec spec = new(1, StoryGuest.MemoryBytesMin, HypercallPatchPolicy.Auto, MachineSpec.TurnTicksDefault);
        CpuidTable table = CpuidVetting.CutToEngine(CpuidModels.Find("x86-64-v2")!.Table);
        _ = Bare(spec, table, image);
        var bare = new TimeSpan[Rounds];
        var recorded = new TimeSpan[Rounds];
        var replayed = new TimeSpan[Rounds];
        SqliteStore? store = null;
        ReplayReport? replay = null;
        for (int round = 0; round < Rounds; round++)
        {
            if (store is not null)
            {
                await store.DisposeAsync();
            }

            bare[round] = Bare(spec, table, image);
            store = await SqliteStore.OpenAsync(
                Path.Combine(folder, $"{what}-{round}.db"), new SqliteStoreOptions(), TimeProvider.System);
            recorded[round] = await RecordAsync(store, spec, table, image);
            replay = await JournalReplayer.ReplayAsync(
                store, s_vm, new MachineGuestFactory("benchmark"), TimeProvider.System, null, CancellationToken.None);
            replayed[round] = replay.Divergence is null
                ? replay.Took
                : throw new InvalidOperationException(replay.Divergence.Sentence);
        }

        VmHistory history = await JournalReplayer.ReadHistoryAsync(store!, s_vm, CancellationToken.None);
        double millions = replay!.InstructionsRetired / 1e6;
        double bytes = await BytesAsync(store!, history);
        TimeSpan alone = Median.Of(bare);
        TimeSpan inNode = Median.Of(recorded);
        TimeSpan again = Median.Of(replayed);
        print(
            $"a guest that {what}, bare",
            $"{alone.TotalSeconds,12:f2} s, {millions / alone.TotalSeconds:n0} million instr/s");
        print("recorded, by its node's clock", $"{inNode.TotalSeconds,12:f2} s, {inNode / alone:f3} of bare");
        print("replayed, with each state compared", $"{again.TotalSeconds,12:f2} s, {again / inNode:f3} of recorded");
        print("journal", $"{bytes / millions,12:f1} bytes a million instr, {bytes / inNode.TotalSeconds:n0} bytes/s");
        return store!;
    }

    private static TimeSpan Bare(MachineSpec spec, CpuidTable table, byte[] image)
    {
        using var machine = VirtualMachine.Create(
            spec, [table], HostVendor.Intel, BootImageLoader.Load(image, commandLine: ""));
        long start = Stopwatch.GetTimestamp();
        while (machine.RunSlice(new SliceLimits(ulong.MaxValue, static () => false)).Stop != SliceStop.Ended)
        {
        }

        return Stopwatch.GetElapsedTime(start);
    }

    private static async Task<TimeSpan> RecordAsync(
        SqliteStore store, MachineSpec spec, CpuidTable table, byte[] image)
    {
        await using SingleNode node = new(store, table);
        await node.StartAsync();
        _ = await node.AskAsync(new ControlRequest.CreateVm(
            new CommandId("benchmark", "create"),
            new VmBlueprint(s_vm, spec, "story", image, string.Empty, [table], OnNode: null)));
        long start = Stopwatch.GetTimestamp();
        _ = await node.AskAsync(new ControlRequest.Order(
            new CommandId("benchmark", "start"), s_vm, new VmCommand.Start()));
        while (await node.AskAsync(new ControlRequest.ShowVm(s_vm))
            is not ControlReply.Shown { Status.Lifecycle: VmLifecycle.Ended })
        {
            await Task.Delay(TimeSpan.FromMilliseconds(2));
        }

        return Stopwatch.GetElapsedTime(start);
    }

    /// <summary>Bytes of all records: what the journal grows by, without pages of snapshots.</summary>
    private static async Task<double> BytesAsync(SqliteStore store, VmHistory history)
    {
        double bytes = 0;
        foreach (Persistence.Ownership.StreamRow row in history.Rows.All)
        {
            await foreach (Persistence.Journal.JournalRecord record in
                store.ReadAsync(row.Stream, 1, row.HeadSeq, CancellationToken.None))
            {
                bytes += record.Payload.Length + record.Hash.ToArray().Length + 40;
            }
        }

        return bytes;
    }

    private static async Task WalkAsync(SqliteStore store, Action<string, FormattableString> print)
    {
        using Timeline timeline =
            await Timeline.OpenAsync(store, s_vm, TimeProvider.System, CancellationToken.None);
        ulong middle = timeline.End.VmTime / 2;
        _ = await timeline.GoToAsync(new Moment(middle), CancellationToken.None);
        double[] steps = new double[Steps];
        for (int step = 0; step < Steps; step++)
        {
            long start = Stopwatch.GetTimestamp();
            _ = await timeline.ReverseStepAsync(0, CancellationToken.None);
            steps[step] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        Array.Sort(steps);
        print("reverse-step", $"{steps[Steps / 2],12:f1} ms; at worst {steps[^1]:f1} ms");

        // From the end back to a place that was passed at the very start, with a breakpoint that is never met between.
        _ = await timeline.GoToAsync(new Moment(1000), CancellationToken.None);
        GuestDebug wish = new([timeline.Machine.Debugger.LinearRip(0)], []);
        long from = Stopwatch.GetTimestamp();
        while (timeline.Continue(wish, CancellationToken.None) is TimelineStop.Met)
        {
        }

        TimeSpan forwards = Stopwatch.GetElapsedTime(from);
        from = Stopwatch.GetTimestamp();
        _ = await timeline.ReverseContinueAsync(wish, CancellationToken.None);
        TimeSpan backwards = Stopwatch.GetElapsedTime(from);
        print(
            "reverse-continue over the whole life",
            $"{backwards.TotalSeconds,12:f2} s, {backwards / forwards:f2} of forwards");
    }
}
