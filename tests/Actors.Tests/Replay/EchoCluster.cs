// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Tests.Cluster;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Models;
using KvmActors.Cpu.Cpuid.Vetting;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine;
using KvmActors.Persistence.Events;
using KvmActors.Samples.Guests;

namespace KvmActors.Actors.Tests.Replay;

/// <summary>A cluster with a guest that lives on interrupts: two vCPUs, a timer, IPIs, and what is typed.</summary>
internal static class EchoCluster
{
    private const ulong TurnTicks = 3_000;

    public static CpuidTable Offered { get; } =
        CpuidVetting.CutToEngine(CpuidModels.Find("x86-64-v2")!.Table);

    private static readonly string[] s_typed = ["one", "two", "three", "q"];

    public static TestCluster Of(ulong seed, bool secondRests, params HostVendor[] vendors)
    {
        TestCluster cluster = new(seed) { Image = EchoGuest.Build(secondRests) };
        cluster.Guests.Inner = new MachineGuestFactory("test");
        for (int index = 0; index < vendors.Length; index++)
        {
            _ = cluster.Add($"node-{index + 1}", vendors[index], Offered);
        }

        return cluster;
    }

    public static async Task StartAsync(TestCluster cluster)
    {
        await cluster.StartAllAsync();
        ControlReply created = await cluster.CreateAsync(
            "node-1",
            cpuid: Offered,
            spec: new MachineSpec(
                EchoGuest.VcpuCount, EchoGuest.MemoryBytesMin, HypercallPatchPolicy.Auto, TurnTicks));
        if (created is ControlReply.Refused refused)
        {
            throw new InvalidOperationException(refused.Why.Sentence);
        }

        _ = await cluster.OrderAsync("node-1", new VmCommand.Start());
    }

    /// <summary>A whole life: three words typed, and the end.</summary>
    public static async Task<TestCluster> RecordAsync(ulong seed, bool secondRests, params string[] words)
    {
        TestCluster cluster = Of(seed, secondRests, HostVendor.Intel);
        cluster.World.Run(async () =>
        {
            await StartAsync(cluster);
            foreach (string typed in words.Length > 0 ? words : s_typed)
            {
                await cluster.World.Time.DelayAsync(TimeSpan.FromMilliseconds(7));
                _ = await cluster.OrderAsync("node-1", new VmCommand.Input([.. typed.Select(each => (byte)each)]));
            }

            _ = await cluster.WaitForAsync("node-1", status => status.Lifecycle == VmLifecycle.Ended);
        });
        return await Task.FromResult(cluster);
    }
}
