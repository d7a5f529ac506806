// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.Globalization;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Vm;
using KvmActors.Benchmarks.Engine.Engines;
using KvmActors.Benchmarks.Engine.Guests;
using KvmActors.Benchmarks.Journal;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.InMemory;

namespace KvmActors.Benchmarks.Engine;

/// <summary>What a guest costs that has halted and waits for an interrupt: a VM of a node with its journal in memory,
/// and QEMU.</summary>
internal static class IdleShare
{
    private const double PercentMax = 1;

    /// <summary>How long it runs before it is looked at.</summary>
    private static readonly TimeSpan s_settling = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan s_watched = TimeSpan.FromSeconds(8);

    /// <param name="folder">For the image.</param>
    public static async Task<IEnumerable<Measured>> MeasureAsync(string folder, bool withQemu)
    {
        byte[] image = SmallGuests.Halted();
        (double alone, double withGuest) = await OursAsync(image);
        double guest = Math.Max(withGuest - alone, 0);
        double? theirs = withQemu ? await QemuAsync(folder, image) : null;
        return
        [
            new Measured("a node without a guest, of one processor", "", Format(alone), "", IsMet: null),
            new Measured(
                "a halted guest on it, besides",
                $"under {PercentMax:0} %",
                Format(guest),
                theirs is { } percent ? Format(percent) : "",
                guest < PercentMax),
        ];
    }

    private static string Format(double percent) =>
        string.Create(CultureInfo.InvariantCulture, $"{percent:0.00} %");

    private static async Task<(double Alone, double WithGuest)> OursAsync(byte[] image)
    {
        var vm = VmId.Parse("idle");
        await using InMemoryStore store = new(TimeProvider.System);
        await using SingleNode node = new(store, OwnEngine.Table);
        await node.StartAsync();
        double alone = await WatchAsync(() => Environment.CpuUsage.TotalTime);
        _ = await node.AskAsync(new ControlRequest.CreateVm(
            new CommandId("benchmark", "create"),
            new VmBlueprint(vm, OwnEngine.Spec, "idle", image, string.Empty, [OwnEngine.Table], OnNode: null)));
        _ = await node.AskAsync(new ControlRequest.Order(
            new CommandId("benchmark", "start"), vm, new VmCommand.Start()));
        double withGuest = await WatchAsync(() => Environment.CpuUsage.TotalTime);
        return await node.AskAsync(new ControlRequest.ShowVm(vm))
            is ControlReply.Shown { Status.Lifecycle: VmLifecycle.Running }
            ? (alone, withGuest)
            : throw new InvalidOperationException("Expected the halted guest to be running still.");
    }

    private static async Task<double> QemuAsync(string folder, byte[] image)
    {
        string kernel = Path.Combine(folder, "idle.bin");
        await File.WriteAllBytesAsync(kernel, image);
        using var process = Process.Start(QemuEngine.Program, QemuEngine.Arguments(kernel, "null"));
        try
        {
            return await WatchAsync(() =>
            {
                process.Refresh();
                return process.TotalProcessorTime;
            });
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync();
        }
    }

    private static async Task<double> WatchAsync(Func<TimeSpan> used)
    {
        await Task.Delay(s_settling);
        TimeSpan before = used();
        long start = Stopwatch.GetTimestamp();
        await Task.Delay(s_watched);
        return (used() - before) / Stopwatch.GetElapsedTime(start) * 100;
    }
}
