// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu;
using KvmActors.Cpu.Debugging;

namespace KvmActors.Host.Debug;

/// <summary>The breakpoints and watchpoints that gdb has set. All are kept beside the guest: none changes its memory or
/// its debug registers.</summary>
internal sealed class BreakTable
{
    /// <summary>Of each of the two.</summary>
    public const int CountMax = 4096;

    /// <summary>Bytes that one watchpoint may cover.</summary>
    public const int WatchedBytesMax = 4096;

    private readonly HashSet<Gva> _software = [];
    private readonly HashSet<Gva> _hardware = [];
    private readonly HashSet<Watchpoint> _watched = [];
    private GuestDebug _wishes = GuestDebug.None;

    /// <summary>All of them. While they stay the same it is the same object, also where gdb has taken them all away and
    /// set them again, as it does at each stop: a guest's decoded code is then kept.</summary>
    public GuestDebug Wishes
    {
        get
        {
            ImmutableArray<Gva> breakpoints = [.. _software.Union(_hardware).OrderBy(address => address.Value)];
            ImmutableArray<Watchpoint> watchpoints =
            [
                .. _watched.OrderBy(watch => watch.Start.Value).ThenBy(watch => watch.SizeBytes)
                    .ThenBy(watch => watch.Kind),
            ];
            bool isKnown = breakpoints.SequenceEqual(_wishes.Breakpoints)
                && watchpoints.SequenceEqual(_wishes.Watchpoints);
            return isKnown ? _wishes : _wishes = new GuestDebug(breakpoints, watchpoints);
        }
    }

    /// <summary>Which of the two gdb set at this address: a software breakpoint where it set both.</summary>
    public bool IsSoftware(Gva address) => _software.Contains(address);

    /// <summary>Sets one, or does nothing where it is set.</summary>
    /// <returns>False where there are too many, or it covers too much.</returns>
    public bool TryAdd(BreakRequest request) => request.Kind switch
    {
        BreakKind.Software => TryAdd(_software, request.Address),
        BreakKind.Hardware => TryAdd(_hardware, request.Address),
        _ => request.SizeBytes is > 0 and <= WatchedBytesMax && TryAdd(_watched, WatchpointOf(request)),
    };

    /// <summary>Takes one away, or does nothing where there is none.</summary>
    public void Remove(BreakRequest request)
    {
        switch (request.Kind)
        {
            case BreakKind.Software:
                _software.Remove(request.Address);
                break;
            case BreakKind.Hardware:
                _hardware.Remove(request.Address);
                break;
            default:
                _watched.Remove(WatchpointOf(request));
                break;
        }
    }

    private static bool TryAdd<T>(HashSet<T> set, T item)
    {
        bool isKnown = set.Contains(item);
        return isKnown || (set.Count < CountMax && set.Add(item));
    }

    private static Watchpoint WatchpointOf(BreakRequest request) => new(
        request.Address,
        (int)request.SizeBytes,
        request.Kind switch
        {
            BreakKind.Read => WatchKind.Read,
            BreakKind.Access => WatchKind.Access,
            _ => WatchKind.Write,
        });
}
