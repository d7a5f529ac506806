// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.Globalization;
using KvmActors.Benchmarks.Parts;
using KvmActors.Host.Control;
using KvmActors.Host.Control.V1;
using KvmActors.Samples.Guests;
using V1 = KvmActors.Host.Control.V1;

namespace KvmActors.Benchmarks.Cluster;

/// <summary>The same guests moved between two of our nodes and between two processes of QEMU (TCG), on the same
/// loopback, in turn.</summary>
internal static class Downtime
{
    private const int Moves = 5;
    private const uint FilledBytes = 128 << 20;
    private const double PageBytes = 4096;

    private static readonly (string Name, Func<V1.Downtime, double> Of)[] s_parts =
    [
        ("pause", static parts => parts.PauseMs),
        ("pages", static parts => parts.PagesMs),
        ("durable", static parts => parts.DurableMs),
        ("state", static parts => parts.StateMs),
        ("check", static parts => parts.CheckMs),
        ("commit", static parts => parts.CommitMs),
        ("start", static parts => parts.StartMs),
        ("link", static parts => parts.LinkMs),
    ];

    /// <param name="Total">Milliseconds that the client waited.</param>
    /// <param name="Cpu">Milliseconds that both nodes computed meanwhile, their guests included.</param>
    private sealed record Moved(V1.Move Reply, double Total, double Cpu);

    /// <param name="rate">MiB that the guest writes a second; 0: as fast as it can; null: none.</param>
    public static async Task MeasureAsync(
        string folder, Action<string, FormattableString> print, string guest, double? rate, ulong memoryMib)
    {
        string own = Directory.CreateDirectory(Path.Combine(folder, $"{guest}-{memoryMib}")).FullName;
        List<Moved> ours = await OursAsync(own, rate, memoryMib << 20);
        List<(double Downtime, double Total)> theirs = QemuPair.IsInstalled
            ? await QemuAsync(own, rate, memoryMib << 20)
            : [];
        Print(print, $"{guest}, {memoryMib} MiB", ours, theirs);
    }

    private static void Print(
        Action<string, FormattableString> print,
        string guest,
        List<Moved> ours,
        List<(double Downtime, double Total)> theirs)
    {
        // The first move of a pair of processes is told apart: it finds them cold.
        Moved[] warm = [.. ours.Skip(1)];
        double own = Median.Of(warm.Select(move => move.Reply.DowntimeMs));
        print(
            $"{guest}: downtime, total",
            $"{own,8:f1} ms (first {ours[0].Reply.DowntimeMs:f1}), {Median.Of(warm.Select(move => move.Total)):f0} ms");
        double speed = Median.Of(warm.Select(move => move.Reply.BytesSent / move.Total / 1e3));
        print(
            $"{guest}: sent, CPU time of both nodes",
            $"{speed,8:f0} MB/s, {Median.Of(warm.Select(move => move.Cpu)):f0} ms");
        print($"{guest}: parts of the downtime", $"{string.Join(", ", s_parts.Select(Part))} ms");
        if (theirs.Count > 0)
        {
            double qemu = Median.Of(theirs.Select(move => move.Downtime));
            print(
                $"{guest}: QEMU's downtime, total",
                $"{qemu,8:f1} ms, {Median.Of(theirs.Select(move => move.Total)):f0} ms; ours {own / qemu:f2} of it");
        }

        string Part((string Name, Func<V1.Downtime, double> Of) part)
        {
            double median = Median.Of(warm.Select(move => part.Of(move.Reply.Downtime)));
            return string.Create(CultureInfo.InvariantCulture, $"{part.Name} {median:f1}");
        }
    }

    private static async Task<List<Moved>> OursAsync(
        string folder, double? rate, ulong memory)
    {
        string config = BenchmarkNode.Configure(folder, string.Empty, "node-1", "node-2");
        using BenchmarkNode first = await BenchmarkNode.StartAsync(config, "node-1");
        using BenchmarkNode second = await BenchmarkNode.StartAsync(config, "node-2");
        uint? pace = rate is not > 0 ? (uint?)rate : (uint)(await TicksPerSecondAsync(first) / (rate.Value * 256));
        await Takeover.CreateAsync(first, "web", DirtyGuest.Build(FilledBytes, pace), memory);
        await WaitUntilFilledAsync(first);
        List<Moved> moves = [];
        for (int move = 0; move < Moves; move++)
        {
            TimeSpan cpu = first.CpuTime + second.CpuTime;
            long begun = Stopwatch.GetTimestamp();
            MigrateVmReply reply = await first.Control.CallAsync(
                ControlMethods.MigrateVm,
                new MigrateVmRequest
                {
                    Command = first.Control.NextCommand(),
                    Name = "web",
                    ToNode = move % 2 == 0 ? "node-2" : "node-1",
                },
                CancellationToken.None);
            double total = Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
            moves.Add(new Moved(reply.Move, total, (first.CpuTime + second.CpuTime - cpu).TotalMilliseconds));
            await Task.Delay(TimeSpan.FromSeconds(1));
        }

        return moves;
    }

    /// <summary>VM time runs as fast as the engine executes: a guest that is to write so much a second of the wall must
    /// know how many ticks that is.</summary>
    private static async Task<double> TicksPerSecondAsync(BenchmarkNode node)
    {
        await Takeover.CreateAsync(node, "pace", DirtyGuest.Build((uint)PageBytes, 1000), 32 << 20);
        await Task.Delay(TimeSpan.FromSeconds(3));
        ulong before = (await ShowAsync(node, "pace")).VmTime;
        long begun = Stopwatch.GetTimestamp();
        await Task.Delay(TimeSpan.FromSeconds(2));
        ulong after = (await ShowAsync(node, "pace")).VmTime;
        double speed = (after - before) / Stopwatch.GetElapsedTime(begun).TotalSeconds;
        _ = await node.Control.CallAsync(
            ControlMethods.StopVm,
            new VmCommandRequest { Command = node.Control.NextCommand(), Name = "pace" },
            CancellationToken.None);
        return speed;
    }

    private static async Task WaitUntilFilledAsync(BenchmarkNode node)
    {
        while ((await ShowAsync(node, "web")).ConsoleBytes == 0)
        {
            await foreach (ConsoleChunk chunk in node.Control.StreamAsync(
                ControlMethods.Console, new ConsoleRequest { Name = "web", Follow = true }, CancellationToken.None))
            {
                if (chunk.Data.Length > 0)
                {
                    return;
                }
            }
        }
    }

    private static Task<VmStatus> ShowAsync(BenchmarkNode node, string vm) => node.Control.CallAsync(
        ControlMethods.ShowVm, new ShowVmRequest { Name = vm }, CancellationToken.None);

    private static async Task<List<(double Downtime, double Total)>> QemuAsync(
        string folder, double? rate, ulong memory)
    {
        List<(double Downtime, double Total)> moves = [];
        for (int move = 0; move < 3; move++)
        {
            // Its time-stamp counter is the host's.
            uint? pace = rate is not > 0 ? (uint?)rate : (uint)(HostTsc.PerSecond() / (rate.Value * 256));
            moves.Add(await QemuPair.MoveAsync(folder, DirtyGuest.Build(FilledBytes, pace), memory));
        }

        return moves;
    }
}
