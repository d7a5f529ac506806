// SPDX-License-Identifier: Apache-2.0

using KvmActors.Machine.Time;

namespace KvmActors.Actors.Vm;

/// <summary>Lets VM time pass as the wall clock does while no vCPU of a guest can run.</summary>
/// <remarks>
/// <para>A rest begins where a slice ends with <see cref="SliceStop.Resting"/> and is over when the guest's next timer
/// is due. From the first one on, VM time is held against the wall clock, so that what slices and their scheduling take
/// is made up for by the next rest. A guest that was busy falls behind, because an instruction takes longer than its
/// tick: more than <see cref="LagMax"/> is never made up for, or a sleep would be skipped.</para>
/// <para>How long a rest really took shows in VM time only, which is journaled: a replay goes the same way without a
/// clock. Owned by one actor.</para>
/// </remarks>
internal sealed class GuestRest(TimeProvider clock)
{
    /// <summary>How far VM time may be behind the wall clock and still catch up.</summary>
    public static readonly TimeSpan LagMax = TimeSpan.FromMilliseconds(100);

    /// <summary>A longer rest takes several, so that what it was does not get lost with the node.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10);

    private bool _hasAnchor;
    private long _anchor;
    private ulong _anchorVmTime;
    private ulong _wakesAt;
    private bool _catchesUp;
    private bool _isCaughtUp;

    /// <summary>The last slice ended because no vCPU could run.</summary>
    public bool IsResting { get; private set; }

    /// <summary>Until the next timer is due; zero if the guest does not rest.</summary>
    public TimeSpan Left
    {
        get
        {
            ulong vmTime = WallVmTime;
            return !IsResting || vmTime >= _wakesAt ? TimeSpan.Zero
                : TimeSpan.FromTicks(1 + (long)((_wakesAt - vmTime) / TimeSpan.NanosecondsPerTick));
        }
    }

    private ulong WallVmTime => _anchorVmTime + TicksOf(clock.GetElapsedTime(_anchor));

    /// <summary>How far VM time may go by standing still, in a slice that starts now.</summary>
    /// <param name="vmTime">Of the guest, as its last slice left it.</param>
    public ulong StandStillUntil(ulong vmTime)
    {
        if (!_hasAnchor)
        {
            return vmTime;
        }

        ulong due = IsResting ? Math.Max(vmTime, _wakesAt) : vmTime;
        if (WallVmTime > due + TicksOf(LagMax))
        {
            SetAnchor(clock.GetTimestamp(), due);
        }

        return Math.Max(vmTime, WallVmTime);
    }

    /// <summary>Input is to reach a resting guest at the VM time it has come to by now, so a slice without it goes
    /// first.</summary>
    /// <returns>True if the slice that is about to start is that one.</returns>
    public bool CatchUp(bool hasInput)
    {
        _catchesUp = IsResting && hasInput && !_isCaughtUp;
        _isCaughtUp = false;
        return _catchesUp;
    }

    /// <summary>The guest was held, and the time until it goes on does not count.</summary>
    public void Forget()
    {
        _hasAnchor = false;
        IsResting = false;
    }

    /// <summary>A slice has ended.</summary>
    public void On(SliceCapture slice)
    {
        IsResting = slice.Result.Stop == SliceStop.Resting;
        _isCaughtUp = IsResting && _catchesUp;
        _wakesAt = Math.Min(slice.Result.WakesAt, slice.Result.VmTime + TicksOf(LongestWait));
        if (IsResting && !_hasAnchor)
        {
            SetAnchor(slice.EndedAt, slice.Result.VmTime);
        }
    }

    private static ulong TicksOf(TimeSpan time) => (ulong)time.Ticks * TimeSpan.NanosecondsPerTick;

    private void SetAnchor(long timestamp, ulong vmTime)
    {
        _hasAnchor = true;
        _anchor = timestamp;
        _anchorVmTime = vmTime;
    }
}
