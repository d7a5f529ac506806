// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Migration;
using KvmActors.Machine.Time;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Actors.Vm;

/// <summary>Makes a VM that goes on where another one stood. The guest is built of the draft, and must have the state
/// hash and the memory sum of its origin; from then on it is this node's, with this node's host vendor, and its journal
/// begins as that of any new VM, but at the VM time of its origin.</summary>
internal sealed class VmRestoration(VmServices services, ControlRequest.RestoreVm request, ISliceRunner runner)
{
    /// <summary>Pages read at once: 1 MiB.</summary>
    private const int PagesBatch = 256;

    private readonly VmDraft _draft = request.Draft;
    private readonly VmBirth _birth = new(services, request.Draft.Name, request.Id, runner);

    public async Task<Activation> RunAsync(CancellationToken stop)
    {
        if (await _birth.FindReplyAsync(stop) is { } stored)
        {
            return new Activation.Refused(stored);
        }

        if (_draft.Created.Origin is not { } origin)
        {
            return VmBirth.Refuse(new Refusal(
                RefusalKind.Invalid, "a VM that says where it comes from", "none", "Create it with: vm create."));
        }

        Refusal? unsuitable = CpuidPreflight.Check(
            services.Options.Name, GuestCpuid.Of(_draft.Machine), services.Options.OfferedCpuid);
        if (unsuitable is not null)
        {
            return VmBirth.Refuse(unsuitable with
            {
                WhatToDo = "Choose another node with --node; a guest that has run keeps its CPUID: see cpuid check.",
            });
        }

        try
        {
            return await RestoreAsync(origin, stop);
        }
        catch (Exception wrong) when (wrong is ArgumentException or StoreCorruptException)
        {
            return VmBirth.Refuse(new Refusal(
                RefusalKind.Invalid, "a VM that this version can run", wrong.Message, "Restore another file."));
        }
        catch (StoreUnavailableException failure)
        {
            return VmBirth.Refuse(Refusals.StoreAway(failure));
        }
    }

    private async Task<Activation> RestoreAsync(VmOrigin origin, CancellationToken stop)
    {
        List<(int PageNumber, ReadOnlyMemory<byte> Bytes)> pages = new(_draft.Pages.Length);
        foreach (PageReference[] batch in _draft.Pages.Chunk(PagesBatch))
        {
            IReadOnlyList<ReadOnlyMemory<byte>> bytes =
                await services.Store.GetAsync([.. batch.Select(page => page.Digest)], stop);
            pages.AddRange(batch.Select((page, index) => ((int)page.PageNumber, bytes[index])));
        }

        IGuest? guest = null;
        try
        {
            Refusal? wrong = null;
            await runner.RunAsync(
                () =>
                {
                    guest = services.Guests.Restore(_draft.Created.Spec, _draft.Machine, pages);
                    wrong = Verify(guest, origin);
                    guest.HostVendor = services.Options.HostVendor;
                    return new SliceResult(SliceStop.Yielded, 0, 0, 0, ReadOnlyMemory<byte>.Empty, []);
                },
                stop);
            Activation activation = wrong is not null
                ? VmBirth.Refuse(wrong)
                : await _birth.CommitAsync(
                    guest!,
                    _draft.Created,
                    new SnapshotPages.Stored(_draft.Pages, _draft.PagesSince),
                    _draft.Console,
                    $"{_draft.Name} was restored on {services.Self} at VM time {origin.VmTime} of {origin.Vm}.",
                    stop);
            guest = activation is Activation.Ready ? null : guest;
            return activation;
        }
        finally
        {
            guest?.Dispose();
        }
    }

    private static Refusal? Verify(IGuest guest, VmOrigin origin)
    {
        string expected = $"state {origin.State} and memory sum {origin.Memory} at VM time {origin.VmTime}";
        string found = $"state {guest.HashState()} and memory sum {guest.SumMemory()} at VM time {guest.VmTime}";
        return expected == found
            ? null
            : new Refusal(
                RefusalKind.Invalid,
                $"the restored guest to have {expected}",
                found,
                "The engine that saved it computes other states than this one: restore it with the version that did.");
    }
}
