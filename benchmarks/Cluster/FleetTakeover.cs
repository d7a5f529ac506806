// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using KvmActors.Host.Control;
using KvmActors.Host.Control.V1;
using KvmActors.Samples.Guests;

namespace KvmActors.Benchmarks.Cluster;

/// <summary>A node with a thousand small VMs dies: until the last of them runs again on another one.</summary>
internal static class FleetTakeover
{
    private const int Vms = 1000;
    private const ulong MemoryBytes = 24 << 20;
    private const uint FilledBytes = 256 << 10;

    public static async Task MeasureAsync(string folder, Action<string, FormattableString> print)
    {
        string config = BenchmarkNode.Configure(
            Directory.CreateDirectory(Path.Combine(folder, "fleet")).FullName,
            "vm.memory-all-max = 64 GiB",
            "node-1",
            "node-2");
        using BenchmarkNode first = await BenchmarkNode.StartAsync(config, "node-1");
        using BenchmarkNode second = await BenchmarkNode.StartAsync(config, "node-2");
        byte[] image = DirtyGuest.Build(FilledBytes, ticksPerPage: null);
        long begun = Stopwatch.GetTimestamp();
        for (int vm = 0; vm < Vms; vm++)
        {
            await Takeover.CreateAsync(first, $"vm-{vm}", image, MemoryBytes);
        }

        TimeSpan created = Stopwatch.GetElapsedTime(begun);
        long killed = Stopwatch.GetTimestamp();
        first.Kill();
        TimeSpan half = TimeSpan.Zero;
        while (true)
        {
            int running = await RunningAsync(second);
            half = half == TimeSpan.Zero && running >= Vms / 2 ? Stopwatch.GetElapsedTime(killed) : half;
            if (running == Vms)
            {
                break;
            }

            await Task.Delay(50);
        }

        TimeSpan all = Stopwatch.GetElapsedTime(killed);
        print($"{Vms} VMs created and started, one after the other", $"{created.TotalSeconds,10:f1} s");
        print(
            $"SIGKILL until all {Vms} run elsewhere",
            $"{all.TotalSeconds,10:f1} s; half of them in {half.TotalSeconds:f1}");
    }

    private static async Task<int> RunningAsync(BenchmarkNode node)
    {
        ListVmsReply reply = await node.Control.CallAsync(
            ControlMethods.ListVms, new ListVmsRequest(), CancellationToken.None);
        return reply.Vms.Count(vm =>
            vm.Owner.StartsWith("node-2#", StringComparison.Ordinal) && vm.Recovery is not null);
    }
}
