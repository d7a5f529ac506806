// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Migration;
using KvmActors.Actors.Replay;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Cpuid.Formats;
using KvmActors.Persistence;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Membership;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Actors.Cluster;

/// <summary>Claims a dead node's VM for this node: one commit moves all its rows to the next epoch and journals the
/// placement at the last journaled VM time.</summary>
/// <remarks>
/// A node that does not offer what the guest was given never claims it: a guest whose features vanish would fail in
/// ways nobody can explain, so it waits for a node that fits, and <see cref="ClusterEvent.VmUnclaimable"/> says so. Two
/// claims of one VM meet in its rows, and one wins (crash points N5 to N7).
/// </remarks>
internal sealed class VmClaims(VmServices services, ActorRef host)
{
    private readonly HashSet<VmId> _reported = [];

    /// <param name="dead">The owner, which is declared dead; null where nobody owns the VM.</param>
    /// <param name="alive">All nodes that are active.</param>
    /// <param name="isOpenToAll">The node that ranks first had its head start.</param>
    /// <returns>To be adopted; null where this node did not claim, or lost the race.</returns>
    /// <exception cref="StoreUnavailableException">Nothing was claimed.</exception>
    public async Task<VmHostMessage.Adopt?> TryAsync(
        VmRows rows,
        NodeId? dead,
        ImmutableArray<NodeRow> alive,
        bool isOpenToAll,
        CancellationToken stop)
    {
        long since = services.Clock.GetTimestamp();
        ImmutableArray<GuestCpuid> guest = [];
        ulong memoryBytes = 0;
        try
        {
            guest = await ReadCpuidAsync(rows, stop);
            memoryBytes = await JournalTail.MemoryBytesAsync(services.Store, rows, stop);
        }
        catch (Exception damage) when (damage is StoreCorruptException or JournalFormatException)
        {
            // Whoever claims it cannot rebuild it, and takes it out of service with the reason. It must not keep the
            // dead node's other VMs waiting.
        }

        ImmutableArray<NodeId> suitable = [.. alive.Where(node => Offers(node, guest)).Select(node => node.Id)];
        if (suitable.IsEmpty)
        {
            Report(rows.Vm, "No active node offers the CPUID features of the guest. Start one that does.");
            return null;
        }

        bool isMine = suitable.Contains(services.Self)
            && (isOpenToAll || Rendezvous.Rank(rows.Vm, suitable)[0] == services.Self);
        return isMine && await HasRoomAsync(rows.Vm, memoryBytes, stop)
            && await ClaimAsync(rows, dead, stop) is { } claimed
            ? new VmHostMessage.Adopt(claimed, dead, since) { MemoryBytes = memoryBytes }
            : null;
    }

    /// <summary>A VM beyond this node's memory is left to another, or until there is room: it would take the others
    /// with it.</summary>
    private async Task<bool> HasRoomAsync(VmId vm, ulong memoryBytes, CancellationToken stop)
    {
        AskResult<VmHostMessage.Room> answer = await host.TryAsk<VmHostMessage.Room>(
            new VmHostMessage.AskRoom(memoryBytes), services.Options.Lease, Lane.Control, stop);
        if (answer is AskResult<VmHostMessage.Room>.Answered { Value.WhyNot: { } lacking })
        {
            Report(vm, lacking.Sentence);
        }

        return answer is AskResult<VmHostMessage.Room>.Answered { Value.WhyNot: null };
    }

    private async Task<VmRows?> ClaimAsync(VmRows rows, NodeId? dead, CancellationToken stop)
    {
        ulong vmTime = await JournalTail.LastVmTimeAsync(services.Store, rows, stop);
        VmCommit.Prepared commit = VmCommit.On(rows)
            .Claim(services.Self, dead)
            .MoveTo(services.Self, vmTime, services.Options.HostVendor)
            .Build();
        if (!await TryCommitAsync(commit.Transaction, stop))
        {
            // Somebody else was first, or the dead owner's last append landed meanwhile: the next look decides.
            return null;
        }

        _reported.Remove(rows.Vm);
        services.Observer.On(new ClusterEvent.VmClaimed(rows.Vm, dead, commit.After.Epoch));
        return commit.After;
    }

    private async Task<bool> TryCommitAsync(StoreTransaction transaction, CancellationToken stop)
    {
        try
        {
            return await services.Writer.CommitAsync(transaction, stop) is CommitResult.Committed;
        }
        catch (TailLostException)
        {
            // This node has only read the rows a moment ago, and was told of nothing in them: the VM was deleted, and
            // made anew, or whoever knows more than the store halts it.
            return false;
        }
    }

    private async Task<ImmutableArray<GuestCpuid>> ReadCpuidAsync(VmRows rows, CancellationToken stop)
    {
        (SnapshotRecord snapshot, ImmutableArray<GuestCpuid> saved) = await ReadableSnapshots.UseLatestAsync(
            services.Store,
            rows.Vm,
            ulong.MaxValue,
            static found => Task.FromResult((found, GuestCpuid.Of(SnapshotCodec.Decode(found.State)))),
            stop);
        if (snapshot.VmTime > 0)
        {
            return saved;
        }

        // A guest that has not run may have got another table since.
        ImmutableArray<GuestCpuid>.Builder now = ImmutableArray.CreateBuilder<GuestCpuid>();
        foreach (GuestCpuid vcpu in saved)
        {
            StreamRow row = rows.All[now.Count + 1];
            now.Add(await JournalTail.LastCpuidAsync(services.Store, row, snapshot, stop) is { } table
                ? vcpu with { Table = table }
                : vcpu);
        }

        return now.ToImmutable();
    }

    private static bool Offers(NodeRow node, ImmutableArray<GuestCpuid> guest)
    {
        try
        {
            return CpuidPreflight.Check(node.Id.Name, guest, CpuidJson.Read(node.CpuidTable)) is null;
        }
        catch (CpuidFormatException)
        {
            return false;
        }
    }

    private void Report(VmId vm, string reason)
    {
        if (_reported.Add(vm))
        {
            services.Observer.On(new ClusterEvent.VmUnclaimable(vm, reason));
        }
    }
}
