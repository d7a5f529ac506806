// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine;
using KvmActors.Machine.Hashing;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Sqlite;

namespace KvmActors.Host.Tests.Journal;

/// <summary>A store file with one VM of one vCPU and some events.</summary>
internal sealed class SampleStore : IDisposable
{
    public static readonly StateHash State = new(new string('5', 64));

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("kvmactors-store-");

    public string Path => System.IO.Path.Combine(_folder.FullName, "store.db");

    public static async Task<SampleStore> CreateAsync()
    {
        var sample = new SampleStore();
        await using SqliteStore store = await SqliteStore.OpenAsync(
            sample.Path, new SqliteStoreOptions(), TimeProvider.System);
        var node = new NodeId("node-1#1");
        var vm = VmId.Parse("web");
        var spec = new MachineSpec(1, 1 << 20, HypercallPatchPolicy.Auto, 20_000);
        StreamRow machine = await WriteAsync(store, vm, StreamWriteBuilder.Create(vm.Stream, node)
            .Add(0, new JournalEvent.VmCreated(spec, "story.elf", new string('a', 64), "story.elf quiet"))
            .Add(0, new JournalEvent.Placed(node, Epoch.First, HostVendor.Intel))
            .Add(0, new JournalEvent.LifecycleChanged(VmLifecycle.Created, VmLifecycle.Running, End: null)));
        await WriteAsync(store, vm, StreamWriteBuilder.Create(vm.Vcpu(0), node)
            .Add(0, new JournalEvent.VcpuCreated(0)));
        await WriteAsync(store, vm, new StreamWriteBuilder(machine)
            .Add(7, new JournalEvent.PatchApplied(Patch))
            .Add(9, new JournalEvent.InputArrived([0x6c, 0x73, 0x0a]))
            .Add(1_000, new JournalEvent.Progress(1_000, 12, State, Memory: null)));
        return sample;
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static HypercallPatch Patch => new(
        VcpuIndex: 0,
        VmTime: 7,
        Gva: new Gva(0x10_2003),
        Gpa: new Gpa(0x10_2003),
        Before: [0x0f, 0x01, 0xd9],
        After: [0x0f, 0x01, 0xc1],
        Vendor: HostVendor.Intel);

    private static async Task<StreamRow> WriteAsync(SqliteStore store, VmId vm, StreamWriteBuilder builder)
    {
        StreamWrite write = builder.Build();
        CommitResult result = await store.CommitAsync(new StoreTransaction(vm, [write]), CancellationToken.None);
        Assert.IsType<CommitResult.Committed>(result);
        return write.Next;
    }
}
