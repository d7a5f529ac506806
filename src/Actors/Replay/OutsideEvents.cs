// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Vm;
using KvmActors.Persistence.Events;

namespace KvmActors.Actors.Replay;

/// <summary>The events that entered a guest from outside, and so have to be given to it again when it is run along its
/// journal. Everything else the guest does by itself.</summary>
internal static class OutsideEvents
{
    public static bool Contains(ReplayEvent next) => next.Event switch
    {
        JournalEvent.Placed => next.Stream.VcpuIndex < 0,
        JournalEvent.InputArrived or JournalEvent.CpuidSet => true,
        _ => false,
    };

    /// <summary>Gives the guest, which stands at the event's VM time, what it was given there.</summary>
    public static void Apply(IGuest guest, ReplayEvent next)
    {
        switch (next.Event)
        {
            case JournalEvent.Placed placed:
                guest.HostVendor = placed.HostVendor;
                break;
            case JournalEvent.InputArrived input:
                guest.InjectInput(input.Bytes.AsSpan());
                break;
            case JournalEvent.CpuidSet set:
                guest.SetCpuid(next.Stream.VcpuIndex, set.Table);
                break;
            default:
                throw new ArgumentException($"{next.Event.GetType().Name} does not enter a guest.", nameof(next));
        }
    }
}
