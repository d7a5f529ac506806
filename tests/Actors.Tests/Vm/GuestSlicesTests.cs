// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine;
using KvmActors.Machine.Time;
using KvmActors.TestKit.Guests;
using Xunit;

namespace KvmActors.Actors.Tests.Vm;

public sealed class GuestSlicesTests
{
    private readonly PolledClock _clock = new();

    [Fact]
    public async Task A_slice_ends_after_its_wall_time()
    {
        using IGuest guest = Guest();
        SliceCapture slice = await Slices(guest).Start(Request, CancellationToken.None);
        Assert.Equal(SliceStop.Yielded, slice.Result.Stop);
        Assert.InRange(_clock.Elapsed, TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(15));
    }

    [Fact]
    public async Task While_the_last_slice_is_committed_the_next_goes_on_and_ends_behind_it()
    {
        using IGuest guest = Guest();
        GuestSlices slices = Slices(guest);
        slices.IsCommitting = true;
        _clock.OnAsked = () => slices.IsCommitting = _clock.Elapsed < TimeSpan.FromMilliseconds(70);
        _ = await slices.Start(Request, CancellationToken.None);
        Assert.InRange(_clock.Elapsed, TimeSpan.FromMilliseconds(70), TimeSpan.FromMilliseconds(75));
    }

    [Fact]
    public async Task A_commit_that_does_not_end_holds_a_slice_open_no_longer_than_a_progress_is_due()
    {
        using IGuest guest = Guest();
        GuestSlices slices = Slices(guest);
        slices.IsCommitting = true;
        _ = await slices.Start(Request, CancellationToken.None);
        Assert.InRange(_clock.Elapsed, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1.005));
    }

    [Fact]
    public async Task A_slice_that_is_held_open_still_ends_when_it_is_asked_to()
    {
        using IGuest guest = Guest();
        GuestSlices slices = Slices(guest);
        slices.IsCommitting = true;
        _clock.OnAsked = () =>
        {
            if (_clock.Elapsed >= TimeSpan.FromMilliseconds(20))
            {
                slices.AskToStop();
            }
        };
        _ = await slices.Start(Request, CancellationToken.None);
        Assert.InRange(_clock.Elapsed, TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(25));
    }

    private static SliceRequest Request =>
        new(ulong.MaxValue, [], SnapshotAt: ulong.MaxValue, MemorySumAt: ulong.MaxValue, ProgressAt: long.MaxValue);

    private static IGuest Guest() => new ModelGuestFactory().Create(
        new MachineSpec(1, 1 << 20, HypercallPatchPolicy.Auto, MachineSpec.TurnTicksDefault),
        [CpuidTable.Empty],
        HostVendor.Intel,
        new GuestImage(new ModelProgram(1ul << 40, 1ul << 39, 1ul << 39, 1ul << 39, 1ul << 39).ToImage(), ""));

    private GuestSlices Slices(IGuest guest)
    {
        LeaseGate gate = new(_clock);
        gate.Renewed(_clock.GetTimestamp(), TimeSpan.FromHours(1));
        _clock.Restart();
        return new GuestSlices(
            guest,
            new Inline(),
            _clock,
            gate,
            new ClusterNodeOptions("node-1", "node-1", 1, HostVendor.Intel, CpuidTable.Empty));
    }

    /// <summary>Each look at it costs half a millisecond.</summary>
    private sealed class PolledClock : TimeProvider
    {
        private long _now;
        private long _start;

        public Action OnAsked { get; set; } = static () => { };

        public TimeSpan Elapsed => TimeSpan.FromTicks(_now - _start);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp()
        {
            _now += TimeSpan.TicksPerMillisecond / 2;
            OnAsked();
            return _now;
        }

        public void Restart() => _start = _now;
    }

    private sealed class Inline : ISliceRunner
    {
        public Task<SliceResult> RunAsync(Func<SliceResult> slice, CancellationToken cancellationToken) =>
            Task.FromResult(slice());
    }
}
