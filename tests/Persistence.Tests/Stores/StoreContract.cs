// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Hypercalls;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Membership;
using KvmActors.Persistence.Ownership;

namespace KvmActors.Persistence.Tests.Stores;

/// <summary>What every <see cref="IStore"/> owes its caller. Derive once per implementation.</summary>
public abstract partial class StoreContract : IAsyncLifetime
{
    protected static readonly TimeSpan s_lease = TimeSpan.FromSeconds(3);
    protected static readonly VmId s_vm = VmId.Parse("web");

    private protected ManualClock Clock { get; } = new();

    protected IStore Store { get; private set; } = null!;

    public async Task InitializeAsync() => Store = await OpenAsync();

    public async Task DisposeAsync() => await Store.DisposeAsync();

    protected abstract Task<IStore> OpenAsync();

    protected static NodeRegistration Registration(string name) => new(
        name, "127.0.0.1:9000", 4711, HostVendor.Intel, s_lease, "{}");

    protected async Task<NodeId> JoinAsync(string name)
    {
        RegisterResult result = await Store.RegisterAsync(Registration(name), default);
        return Assert.IsType<RegisterResult.Registered>(result).Id;
    }

    /// <summary>VM "web" with one vCPU, owned by <paramref name="owner"/>.</summary>
    protected async Task<(StreamRow Vm, StreamRow Vcpu)> CreateVmAsync(NodeId owner)
    {
        StoreTransaction creation = Creation(owner);
        Assert.IsType<CommitResult.Committed>(await Store.CommitAsync(creation, default));
        return (creation.Writes[0].Next, creation.Writes[1].Next);
    }

    protected static StoreTransaction Creation(NodeId owner, DedupEntry? dedup = null) => new(
        s_vm,
        [
            StreamWriteBuilder.Create(s_vm.Stream, owner)
                .Add(0, new JournalEvent.Placed(owner, Epoch.First, HostVendor.Intel)).Build(),
            StreamWriteBuilder.Create(s_vm.Vcpu(0), owner).Add(0, new JournalEvent.VcpuCreated(0)).Build(),
        ],
        Dedup: dedup);

    protected static StoreTransaction Append(StreamRow row, string text, DedupEntry? dedup = null) => new(
        s_vm,
        [new StreamWriteBuilder(row).Add(1, new JournalEvent.Quarantined(text), dedup?.Command).Build()],
        Dedup: dedup);

    protected static StoreTransaction Takeover(NodeId claimant, NodeId? dead, params StreamRow[] rows) => new(
        s_vm,
        [.. rows.Select(row => new StreamWriteBuilder(row).MoveTo(claimant).Build())],
        new TakeoverClaim(claimant, dead));

    protected async Task<CommitResult> CommitAsync(StoreTransaction transaction) =>
        await Store.CommitAsync(transaction, default);

    protected async Task<List<JournalRecord>> ReadAllAsync(StreamId stream)
    {
        List<JournalRecord> records = [];
        await foreach (JournalRecord record in Store.ReadAsync(stream, 0, ulong.MaxValue, default))
        {
            records.Add(record);
        }

        return records;
    }
}
