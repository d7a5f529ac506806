// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Vcpu;
using KvmActors.Cpu.Cpuid;
using KvmActors.Machine;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Actors.Vm;

/// <summary>The one commit that a VM begins with, created or restored: the first events of all streams and the snapshot
/// at its first VM time.</summary>
internal sealed class VmBirth(VmServices services, VmId vm, CommandId id, ISliceRunner runner)
{
    public static Activation.Refused Refuse(Refusal why) => new(new ControlReply.Refused(why));

    /// <returns>The kept reply to a command that was handled before, a refusal if nobody can tell, or null.</returns>
    public Task<ControlReply?> FindReplyAsync(CancellationToken stop) =>
        new VmAnswers(services, vm).FindStoredAsync(id, stop);

    /// <summary>Makes a guest that has not run here durable.</summary>
    /// <param name="guest">With this node's host vendor. The session's, if it is Ready; else the caller's.</param>
    /// <param name="pages">In the store.</param>
    /// <param name="text">One sentence for a person.</param>
    /// <exception cref="StoreUnavailableException">Never: see <see cref="FencedWriter"/>.</exception>
    public async Task<Activation> CommitAsync(
        IGuest guest,
        JournalEvent.VmCreated created,
        SnapshotPages.Stored pages,
        ReadOnlyMemory<byte> console,
        string text,
        CancellationToken stop)
    {
        MachineState machine = guest.Save();
        VmCommit.Prepared commit = Prepare(guest, machine, created, pages, console, text);
        return await services.Writer.CommitAsync(commit.Transaction, stop) switch
        {
            CommitResult.Committed => Ready(guest, machine, commit, pages.Pages, console, text),
            CommitResult.PagesGone => Refuse(Refusals.PagesCollected(vm)),
            CommitResult.Duplicate duplicate => new Activation.Refused(ReplyCodec.Decode(duplicate.Entry)),
            CommitResult.AlreadyExists or CommitResult.Fenced => Refuse(new Refusal(
                RefusalKind.Exists,
                $"no VM named {vm}",
                "one in the store",
                "Choose another name, or look at: vm show.")),
            CommitResult other => throw new InvalidOperationException($"A creation cannot end in {other}."),
        };
    }

    private VmCommit.Prepared Prepare(
        IGuest guest,
        MachineState machine,
        JournalEvent.VmCreated created,
        SnapshotPages.Stored pages,
        ReadOnlyMemory<byte> console,
        string text)
    {
        ulong vmTime = machine.VmTime;
        ImmutableArray<CpuidTable> tables = [.. machine.Vcpus.Select(vcpu => vcpu.Cpuid)];
        VmCommit commit = VmCommit.Create(vm, tables.Length, services.Self).Add(vm.Stream, vmTime, created, id);
        for (int index = 0; index < tables.Length; index++)
        {
            commit.Add(vm.Vcpu(index), vmTime, new JournalEvent.VcpuCreated(index));
            commit.Add(vm.Vcpu(index), vmTime, new JournalEvent.CpuidSet(tables[index]));
        }

        commit.AddToAll(vmTime, new JournalEvent.Placed(services.Self, Epoch.First, services.Options.HostVendor));
        commit.Add(vm.Stream, vmTime, new JournalEvent.SnapshotTaken(0, guest.HashState(), guest.SumMemory()));
        commit.Take(new VmCommit.SnapshotDraft(Id: 0, vmTime, SnapshotCodec.Encode(machine), pages.Pages, console)
        {
            PagesSince = pages.Since,
        });
        return commit.Answer(ReplyCodec.Entry(vm.Stream, id, text)).Build();
    }

    private Activation.Ready Ready(
        IGuest guest,
        MachineState machine,
        VmCommit.Prepared commit,
        ImmutableArray<PageReference> pages,
        ReadOnlyMemory<byte> console,
        string text)
    {
        var state = VmState.Fold(
            vm,
            commit.Entries.Where(entry => entry.Stream == vm.Stream).Select(entry => (entry.Event, entry.VmTime)));
        ImmutableArray<VcpuActorState> vcpus =
        [
            .. commit.After.All.Skip(1).Select(row => VcpuActorState.Fold(
                row.Stream, commit.Entries.Where(entry => entry.Stream == row.Stream).Select(entry => entry.Event))),
        ];
        VmSessionStart start = new(
            guest,
            commit.After,
            state,
            vcpus,
            new ConsoleLog(machine.ConsoleBytes, console.Span),
            pages,
            NextSnapshotIsFull: false,
            machine)
        {
            Birth = commit.Transaction.Writes[0].Records[0].Hash,
        };
        return new Activation.Ready(
            new VmSession(services, start, runner), Recovery: null, new ControlReply.Done(text));
    }
}
