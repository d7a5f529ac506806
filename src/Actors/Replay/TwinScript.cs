// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;

namespace KvmActors.Actors.Replay;

/// <summary>All that entered a VM from outside: with the boot image it determines every state of its life, without a
/// cluster, a store or a failure.</summary>
/// <param name="Cpuid">Of each vCPU, when its guest began to run.</param>
/// <param name="Vendors">Host vendor changes with their VM times until the guest ended, the first at its first.</param>
/// <param name="VendorAfterEnd">Of the node that got the VM last, after its guest had ended; null if none did.</param>
/// <param name="Inputs">Console input with its VM times.</param>
/// <param name="UntilVmTime">VM time of the last journaled event.</param>
/// <param name="Ends">Whether the guest came to its end there.</param>
public sealed record TwinScript(
    MachineSpec Spec,
    string CommandLine,
    string ImageSha256,
    ImmutableArray<CpuidTable> Cpuid,
    ImmutableArray<TwinScript.VendorAt> Vendors,
    HostVendor? VendorAfterEnd,
    ImmutableArray<TwinScript.InputAt> Inputs,
    ulong UntilVmTime,
    bool Ends)
{
    /// <summary>Of the initial RAM disk; empty where there was none.</summary>
    public string InitrdSha256 { get; init; } = "";

    /// <summary>Where the VM's VM time begins; null where that is 0, with the boot image loaded.</summary>
    public VmOrigin? Origin { get; init; }

    public sealed record VendorAt(ulong VmTime, HostVendor Vendor);

    public readonly record struct InputAt(ulong VmTime, ImmutableArray<byte> Bytes);

    /// <summary>Reads the script out of a VM's journal. Pure.</summary>
    public static TwinScript From(VmHistory history)
    {
        JournalEvent.VmCreated created = history.Events.Select(next => next.Event)
            .OfType<JournalEvent.VmCreated>()
            .Single();
        ImmutableArray<ReplayEvent> ofVm = [.. history.Events.Where(next => next.Stream.VcpuIndex < 0)];
        ImmutableArray<ReplayEvent> lived =
        [
            .. ofVm.TakeWhile(next => next.Event is not JournalEvent.LifecycleChanged { To: VmLifecycle.Ended }),
        ];
        return new TwinScript(
            created.Spec,
            created.CommandLine,
            created.ImageSha256,
            [.. history.Rows.All.Skip(1).Select(row => TableBeforeRun(history, row.Stream, created.Origin))],
            [.. VendorChanges(lived)],
            VendorChanges(ofVm.Skip(lived.Length)).LastOrDefault()?.Vendor,
            [
                .. ofVm.Where(next => next.Event is JournalEvent.InputArrived)
                    .Select(next => new InputAt(next.VmTime, ((JournalEvent.InputArrived)next.Event).Bytes)),
            ],
            history.VmTime,
            Ends: lived.Length < ofVm.Length)
        {
            InitrdSha256 = created.InitrdSha256,
            Origin = created.Origin,
        };
    }

    /// <summary>The last that was set at the VM's first VM time, not as the guest left it: reading a stateful leaf
    /// changes it, and later sets succeed only with the table that is there.</summary>
    private static CpuidTable TableBeforeRun(VmHistory history, StreamId vcpu, VmOrigin? origin) => history.Events
        .Where(next => next.Stream == vcpu && next.VmTime == (origin?.VmTime ?? 0))
        .Select(next => next.Event)
        .OfType<JournalEvent.CpuidSet>()
        .Last()
        .Table;

    private static IEnumerable<VendorAt> VendorChanges(IEnumerable<ReplayEvent> ofVm)
    {
        HostVendor? current = null;
        foreach (ReplayEvent next in ofVm)
        {
            if (next.Event is JournalEvent.Placed placed && placed.HostVendor != current)
            {
                current = placed.HostVendor;
                yield return new VendorAt(next.VmTime, placed.HostVendor);
            }
        }
    }
}
