// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Replay;
using KvmActors.Actors.Tests.Cluster;
using KvmActors.Cpu;
using KvmActors.Cpu.Debugging;
using KvmActors.Machine;
using KvmActors.Machine.Hashing;
using KvmActors.Persistence.Events;
using KvmActors.Samples.Guests;
using KvmActors.TestKit;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Actors.Tests.Replay;

/// <summary>A recorded guest, forwards and backwards. What lies back is compared with what was seen on the way
/// there.</summary>
public sealed class TimelineTests(ITestOutputHelper output)
{
    /// <summary>Ticks before the guest's end from which on a vCPU that rests may not wake again: the timer wakes it
    /// each millisecond until then.</summary>
    private const ulong LastWakes = 1_100_000;

    private static readonly Lazy<Task<TestCluster>> s_busy = new(() => EchoCluster.RecordAsync(5, secondRests: false));
    private static readonly Lazy<Task<TestCluster>> s_resting =
        new(() => EchoCluster.RecordAsync(6, secondRests: true));

    [Fact]
    public async Task It_goes_to_the_moments_of_the_journal_with_the_states_of_the_journal()
    {
        using Timeline timeline = await OpenAsync();
        ulong seed = (ulong)Random.Shared.NextInt64();
        output.WriteLine($"seed {seed}");
        SeededRandom random = new(seed);
        (ulong VmTime, StateHash State)[] known =
        [
            .. timeline.History.Events
                .Where(next => next is { VmTime: > 0, Event: JournalEvent.Progress })
                .Select(next => (next.VmTime, ((JournalEvent.Progress)next.Event).State)),
        ];

        for (int round = 0; round < 15; round++)
        {
            // The last one describes the guest's end.
            (ulong vmTime, StateHash state) = known[random.Next(known.Length - 1)];
            Assert.IsType<TimelineStop.Reached>(await timeline.GoToAsync(new Moment(vmTime), CancellationToken.None));
            Assert.Equal(new Moment(vmTime), timeline.Now);
            bool hasInput = timeline.History.Events.Any(
                next => next.VmTime == vmTime && next.Event is JournalEvent.InputArrived);
            if (!hasInput)
            {
                Assert.Equal(state, timeline.Machine.HashState());
            }
        }
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, true)]
    [InlineData(0, false)]
    [InlineData(1, false)]
    public async Task Steps_backwards_are_the_steps_forwards(int vcpu, bool secondRests)
    {
        using Timeline timeline = await OpenAsync(secondRests);
        ulong seed = (ulong)Random.Shared.NextInt64();
        output.WriteLine($"seed {seed}");
        SeededRandom random = new(seed);

        for (int round = 0; round < 5; round++)
        {
            ulong vmTime = (ulong)random.Next((int)(timeline.End.VmTime - LastWakes));
            Assert.IsType<TimelineStop.Reached>(await timeline.GoToAsync(new Moment(vmTime), CancellationToken.None));
            List<(Moment, Gva, StateHash)> forwards = [];
            for (int step = 0; step < 9; step++)
            {
                Assert.IsType<TimelineStop.Reached>(timeline.Step(vcpu, CancellationToken.None));
                forwards.Add((timeline.Now, timeline.Machine.Debugger.LinearRip(vcpu), timeline.Machine.HashState()));
            }

            for (int step = forwards.Count - 2; step >= 0; step--)
            {
                Assert.IsType<TimelineStop.Reached>(
                    await timeline.ReverseStepAsync(vcpu, CancellationToken.None));

                // Others may have run between two steps: the vCPU stands as it stood, if not at the same VM time.
                Assert.Equal(forwards[step].Item2, timeline.Machine.Debugger.LinearRip(vcpu));
                Assert.True(
                    timeline.Now >= forwards[step].Item1 && timeline.Now < forwards[step + 1].Item1,
                    $"{timeline.Now} is not from {forwards[step].Item1} to {forwards[step + 1].Item1}");
            }
        }
    }

    [Fact]
    public async Task What_is_met_backwards_is_what_was_met_forwards()
    {
        using Timeline timeline = await OpenAsync();
        Gva handler = await FirstTimerInstructionAsync(timeline);
        GuestDebug wishes = new([handler], [new Watchpoint(new Gva(EchoGuest.Echoed), 4, WatchKind.Write)]);
        List<(Moment At, DebugHit Hit, uint Echoed)> forwards = [];
        _ = await timeline.GoToAsync(timeline.Start, CancellationToken.None);
        while (timeline.Continue(wishes, CancellationToken.None) is TimelineStop.Met met)
        {
            forwards.Add((timeline.Now, met.Hit, Word(timeline, EchoGuest.Echoed)));
        }

        // The timer ticks each millisecond; eleven characters were typed before the last.
        Assert.Equal(11, forwards.Count(each => each.Hit is DebugHit.Watch));
        Assert.InRange(forwards.Count(each => each.Hit is DebugHit.Breakpoint), 25, 60);
        Assert.Contains(forwards, each => each.At.Step > 0);

        for (int index = forwards.Count - 1; index >= 0; index--)
        {
            (Moment at, DebugHit hit, uint echoed) = forwards[index];
            TimelineStop stop = await timeline.ReverseContinueAsync(wishes, CancellationToken.None);
            Assert.Equal(hit, Assert.IsType<TimelineStop.Met>(stop).Hit);
            if (hit is DebugHit.Watch)
            {
                // Before the store.
                Assert.True(timeline.Now < at, $"{timeline.Now} is not before {at}");
                Assert.Equal(echoed - 1, Word(timeline, EchoGuest.Echoed));
            }
            else
            {
                Assert.Equal(at, timeline.Now);
            }
        }

        Assert.IsType<TimelineStop.AtStart>(await timeline.ReverseContinueAsync(wishes, CancellationToken.None));
        Assert.Equal(timeline.Start, timeline.Now);
    }

    [Fact]
    public async Task The_end_is_the_end_and_the_start_the_start()
    {
        using Timeline timeline = await OpenAsync();

        Assert.IsType<TimelineStop.AtStart>(await timeline.ReverseStepAsync(0, CancellationToken.None));
        Assert.IsType<TimelineStop.AtEnd>(timeline.Continue(GuestDebug.None, CancellationToken.None));
        Assert.Equal(new MachineEnd.DebugExit(0), timeline.Machine.End);
        Assert.IsType<TimelineStop.AtEnd>(timeline.Step(0, CancellationToken.None));
        Assert.IsType<TimelineStop.Reached>(await timeline.ReverseStepAsync(0, CancellationToken.None));
        Assert.Null(timeline.Machine.End);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            () => timeline.GoToAsync(new Moment(timeline.End.VmTime + 1), CancellationToken.None));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            () => timeline.GoToAsync(new Moment(1000, 500), CancellationToken.None));
    }

    [Fact]
    public async Task An_interrupted_run_stands_on_the_way()
    {
        using Timeline timeline = await OpenAsync();
        using CancellationTokenSource stopped = new();
        await stopped.CancelAsync();

        Assert.IsType<TimelineStop.Interrupted>(timeline.Continue(GuestDebug.None, stopped.Token));
        Assert.True(timeline.Now < timeline.End, $"{timeline.Now}");
    }

    private static async Task<Timeline> OpenAsync(bool secondRests = true)
    {
        TestCluster cluster = await (secondRests ? s_resting : s_busy).Value;
        return await Timeline.OpenAsync(cluster.Store, TestCluster.Vm, TimeProvider.System, CancellationToken.None);
    }

    /// <summary>Where vector 20h leads, from the guest's IDT.</summary>
    private static async Task<Gva> FirstTimerInstructionAsync(Timeline timeline)
    {
        _ = await timeline.GoToAsync(new Moment(5_000_000), CancellationToken.None);
        ulong table = timeline.Machine.Save().Vcpus[0].Idtr.Base;
        byte[] gate = new byte[8];
        timeline.Machine.Memory.Read(new Gpa(table + (8 * 0x20)), gate);
        return new Gva(BitConverter.ToUInt16(gate) | ((ulong)BitConverter.ToUInt16(gate, 6) << 16));
    }

    private static uint Word(Timeline timeline, uint address)
    {
        byte[] bytes = new byte[4];
        timeline.Machine.Memory.Read(new Gpa(address), bytes);
        return BitConverter.ToUInt32(bytes);
    }
}
