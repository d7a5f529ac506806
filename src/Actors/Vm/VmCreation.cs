// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Security.Cryptography;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Migration;
using KvmActors.Actors.Vcpu;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Vetting;
using KvmActors.Cpu.Memory;
using KvmActors.Machine.Time;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Actors.Vm;

/// <summary>Creates a VM: the image is loaded, and the first events of all streams and the snapshot at VM time 0 become
/// durable as one commit.</summary>
internal sealed class VmCreation(VmServices services, ControlRequest.CreateVm request, ISliceRunner runner)
{
    private readonly VmBlueprint _blueprint = request.Blueprint;

    public async Task<Activation> RunAsync(CancellationToken stop)
    {
        if (await FindReplyAsync(stop) is { } stored)
        {
            return new Activation.Refused(stored);
        }

        ImmutableArray<CpuidTable> tables = _blueprint.Cpuid.IsDefaultOrEmpty
            ? CpuidPlacement.OfAll(services.Options.OfferedCpuid, _blueprint.Spec.VcpuCount)
            : _blueprint.Cpuid;
        Refusal? unsuitable = CpuidPreflight.Check(
            services.Options.Name, tables.Select(GuestCpuid.Unread), services.Options.OfferedCpuid);
        if (unsuitable is not null)
        {
            return Refuse(unsuitable);
        }

        IGuest? guest = null;
        try
        {
            guest = await LoadAsync(tables, stop);
            Activation activation = await CommitAsync(guest, tables, stop);
            guest = activation is Activation.Ready ? null : guest;
            return activation;
        }
        catch (Exception wrong) when (wrong is GuestImageException or ArgumentException)
        {
            return Refuse(new Refusal(
                RefusalKind.Invalid,
                "a VM that this version can run",
                wrong.Message,
                "Change it, and create it again."));
        }
        catch (StoreUnavailableException failure)
        {
            return Refuse(Refusals.StoreAway(failure));
        }
        finally
        {
            guest?.Dispose();
        }
    }

    private static Activation.Refused Refuse(Refusal why) => new(new ControlReply.Refused(why));

    private async Task<ControlReply?> FindReplyAsync(CancellationToken stop)
    {
        try
        {
            DedupEntry? stored = await services.Store.FindReplyAsync(_blueprint.Name.Stream, request.Id, stop);
            return stored is null ? null : ReplyCodec.Decode(stored);
        }
        catch (StoreUnavailableException failure)
        {
            return new ControlReply.Refused(Refusals.StoreAway(failure));
        }
    }

    private async Task<IGuest> LoadAsync(ImmutableArray<CpuidTable> tables, CancellationToken stop)
    {
        IGuest? guest = null;
        await runner.RunAsync(
            () =>
            {
                guest = services.Guests.Create(
                    _blueprint.Spec,
                    tables,
                    services.Options.HostVendor,
                    new GuestImage(_blueprint.Image, _blueprint.CommandLine) { Initrd = _blueprint.Initrd });
                return new SliceResult(SliceStop.Yielded, 0, 0, 0, ReadOnlyMemory<byte>.Empty, []);
            },
            stop);
        return guest!;
    }

    private async Task<Activation> CommitAsync(IGuest guest, ImmutableArray<CpuidTable> tables, CancellationToken stop)
    {
        _ = guest.TakeDirty(DirtyReader.Snapshot);
        ImmutableArray<CapturedPage> filled =
        [
            .. Enumerable.Range(0, guest.PageCount).Select(page => CapturedPage.Of(guest, page)).Where(p => !p.IsZero),
        ];
        ImmutableArray<PageReference> pages = await new SnapshotPages([]).PutAsync(services.Store, filled, stop);
        string text = $"{_blueprint.Name} was created on {services.Self} with {_blueprint.Spec.VcpuCount} vCPU.";
        VmCommit.Prepared commit = Prepare(guest, tables, pages, text);
        return await services.Writer.CommitAsync(commit.Transaction, stop) switch
        {
            CommitResult.Committed => Ready(guest, commit, pages, text),
            CommitResult.Duplicate duplicate => new Activation.Refused(ReplyCodec.Decode(duplicate.Entry)),
            CommitResult.AlreadyExists or CommitResult.Fenced => Refuse(new Refusal(
                RefusalKind.Exists,
                $"no VM named {_blueprint.Name}",
                "one in the store",
                "Choose another name, or look at: vm show.")),
            CommitResult other => throw new InvalidOperationException($"A creation cannot end in {other}."),
        };
    }

    private VmCommit.Prepared Prepare(
        IGuest guest, ImmutableArray<CpuidTable> tables, ImmutableArray<PageReference> pages, string text)
    {
        VmId vm = _blueprint.Name;
        VmCommit commit = VmCommit.Create(vm, tables.Length, services.Self).Add(
            vm.Stream,
            vmTime: 0,
            new JournalEvent.VmCreated(
                _blueprint.Spec,
                _blueprint.ImageName,
                Convert.ToHexStringLower(SHA256.HashData(_blueprint.Image.Span)),
                _blueprint.CommandLine)
            {
                InitrdSha256 = _blueprint.Initrd.IsEmpty
                    ? ""
                    : Convert.ToHexStringLower(SHA256.HashData(_blueprint.Initrd.Span)),
            },
            request.Id);
        for (int index = 0; index < tables.Length; index++)
        {
            commit.Add(vm.Vcpu(index), vmTime: 0, new JournalEvent.VcpuCreated(index));
            commit.Add(vm.Vcpu(index), vmTime: 0, new JournalEvent.CpuidSet(tables[index]));
        }

        commit.AddToAll(
            vmTime: 0, new JournalEvent.Placed(services.Self, Epoch.First, services.Options.HostVendor));
        commit.Add(
            vm.Stream, vmTime: 0, new JournalEvent.SnapshotTaken(0, guest.HashState(), guest.SumMemory()));
        commit.Take(new VmCommit.SnapshotDraft(
            Id: 0, VmTime: 0, SnapshotCodec.Encode(guest.Save()), pages, ReadOnlyMemory<byte>.Empty));
        return commit.Answer(ReplyCodec.Entry(vm.Stream, request.Id, text)).Build();
    }

    private Activation.Ready Ready(
        IGuest guest, VmCommit.Prepared commit, ImmutableArray<PageReference> pages, string text)
    {
        VmId vm = _blueprint.Name;
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
            new ConsoleLog(0, []),
            pages,
            NextSnapshotIsFull: false,
            guest.Save());
        return new Activation.Ready(
            new VmSession(services, start, runner), Recovery: null, new ControlReply.Done(text));
    }
}
