// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Security.Cryptography;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Migration;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Vetting;
using KvmActors.Cpu.Memory;
using KvmActors.Machine.Time;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;

namespace KvmActors.Actors.Vm;

/// <summary>Creates a VM: the image is loaded, and the first events of all streams and the snapshot at VM time 0 become
/// durable as one commit.</summary>
internal sealed class VmCreation(VmServices services, ControlRequest.CreateVm request, ISliceRunner runner)
{
    private readonly VmBlueprint _blueprint = request.Blueprint;
    private readonly VmBirth _birth = new(services, request.Blueprint.Name, request.Id, runner);

    public async Task<Activation> RunAsync(CancellationToken stop)
    {
        if (await _birth.FindReplyAsync(stop) is { } stored)
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
            return VmBirth.Refuse(unsuitable);
        }

        IGuest? guest = null;
        try
        {
            guest = await LoadAsync(tables, stop);
            Activation activation = await CommitAsync(guest, stop);
            guest = activation is Activation.Ready ? null : guest;
            return activation;
        }
        catch (Exception wrong) when (wrong is GuestImageException or ArgumentException)
        {
            return VmBirth.Refuse(new Refusal(
                RefusalKind.Invalid,
                "a VM that this version can run",
                wrong.Message,
                "Change it, and create it again."));
        }
        catch (StoreUnavailableException failure)
        {
            return VmBirth.Refuse(Refusals.StoreAway(failure));
        }
        finally
        {
            guest?.Dispose();
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

    private async Task<Activation> CommitAsync(IGuest guest, CancellationToken stop)
    {
        _ = guest.TakeDirty(DirtyReader.Snapshot);
        ImmutableArray<CapturedPage> filled = CapturedPage.AllOf(guest, guest.CopyPages());
        JournalEvent.VmCreated created = new(
            _blueprint.Spec, _blueprint.ImageName, Sha256Of(_blueprint.Image), _blueprint.CommandLine)
        {
            InitrdSha256 = _blueprint.Initrd.IsEmpty ? "" : Sha256Of(_blueprint.Initrd),
        };
        SnapshotPages.Stored pages = await new SnapshotPages([]).PutAsync(services.Store, filled, stop);
        return await _birth.CommitAsync(
            guest,
            created,
            pages,
            ReadOnlyMemory<byte>.Empty,
            $"{_blueprint.Name} was created on {services.Self} with {_blueprint.Spec.VcpuCount} vCPU.",
            stop);
    }

    private static string Sha256Of(ReadOnlyMemory<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes.Span));
}
