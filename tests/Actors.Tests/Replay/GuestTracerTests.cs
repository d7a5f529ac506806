// SPDX-License-Identifier: Apache-2.0

using System.Text;
using KvmActors.Actors.Replay;
using KvmActors.Actors.Tests.Cluster;
using KvmActors.Cpu.State;
using KvmActors.Machine;
using KvmActors.Persistence.Events;
using Xunit;

namespace KvmActors.Actors.Tests.Replay;

/// <summary>A recorded guest step by step: what is told of the steps, and where they lead.</summary>
public sealed class GuestTracerTests
{
    private const ulong LastTicks = 2_000_000;

    private static readonly Lazy<Task<TestCluster>> s_recorded = new(
        () => EchoCluster.RecordAsync(seed: 5, secondRests: false));

    [Fact]
    public async Task Steps_lead_to_the_states_of_the_journal()
    {
        using Timeline timeline = await OpenAsync();
        ReplayEvent[] known =
        [
            .. timeline.History.Events.Where(next => next is { VmTime: > 0, Event: JournalEvent.Progress }).Take(4),
        ];
        int compared = 0;

        foreach (ReplayEvent next in known)
        {
            // From a bit before it: with console output, deliveries and turns on the way.
            Moment from = new(next.VmTime - Math.Min(next.VmTime, 60_000));
            await timeline.GoToAsync(from, CancellationToken.None);
            GuestTracer tracer = new(timeline, new Moment(next.VmTime));
            ulong retired = 0;
            while (tracer.MoveNext())
            {
                retired += tracer.Stepped.HasRetired ? 1u : 0u;
            }

            var progress = (JournalEvent.Progress)next.Event;
            Assert.Equal(new Moment(next.VmTime), timeline.Now);
            Assert.Equal(progress.InstructionsRetired, timeline.Machine.InstructionsRetired);
            if (!timeline.History.Events.Any(
                other => other.VmTime == next.VmTime && other.Event is JournalEvent.InputArrived))
            {
                Assert.Equal(progress.State, timeline.Machine.HashState());
                compared++;
            }

            Assert.InRange(retired, 1ul, next.VmTime - from.VmTime);
        }

        Assert.True(compared > 1, $"{compared} states compared");
    }

    [Fact]
    public async Task Each_step_is_told_with_its_code_and_what_it_was()
    {
        using Timeline timeline = await OpenAsync();
        await timeline.GoToAsync(timeline.Start, CancellationToken.None);
        GuestTracer tracer = new(timeline, new Moment(timeline.End.VmTime + 1));
        StringBuilder console = new();
        Dictionary<string, int> delivered = [];
        Moment last = default;
        Assert.True(tracer.MoveNext());
        Assert.Equal(0xFA, tracer.Code[0]);
        Assert.Equal((new Moment(0), CpuMode.Protected32), (tracer.At, tracer.Mode));

        // The second vCPU never rests: the whole life is too many steps. "q" was typed shortly before the end.
        await timeline.GoToAsync(new Moment(timeline.End.VmTime - LastTicks), CancellationToken.None);
        while (tracer.MoveNext())
        {
            Assert.True(tracer.At > last, $"{tracer.At} is not behind {last}");
            last = tracer.At;
            console.Append(Encoding.Latin1.GetString(tracer.Stepped.Console.Span));
            if (tracer.Stepped.Delivery is { } delivery)
            {
                Assert.False(tracer.Stepped.HasRetired);
                delivered[delivery.Name] = delivered.GetValueOrDefault(delivery.Name) + 1;
                Assert.NotEqual(tracer.LinearRip, timeline.Machine.Debugger.LinearRip(tracer.Stepped.Index));
            }
        }

        Assert.Equal(new MachineEnd.DebugExit(0), timeline.Machine.End);
        Assert.NotEqual(0, console.Length);
        Assert.InRange(delivered["interrupt 0x20"], 1, 5);
        Assert.True(delivered["interrupt 0x24"] > 0);
        Assert.True(delivered["interrupt 0x40"] > 0);
    }

    [Fact]
    public async Task Registers_are_those_of_the_saved_states()
    {
        using Timeline timeline = await OpenAsync();
        await timeline.GoToAsync(new Moment(5_000_000), CancellationToken.None);
        VcpuState[] before = [];
        GuestTracer tracer = new(
            timeline, timeline.End, _ => before = [.. timeline.Machine.Save().Vcpus]);
        for (int step = 0; step < 500 && tracer.MoveNext(); step++)
        {
            VcpuState old = before[tracer.Stepped.Index];
            VcpuState now = timeline.Machine.Save().Vcpus[tracer.Stepped.Index];
            Assert.Equal([.. old.Gprs, old.RFlags], tracer.Before.ToArray());
            Assert.Equal([.. now.Gprs, now.RFlags], tracer.After.ToArray());
            Assert.Equal(old.Rip, tracer.Rip);
        }
    }

    private static async Task<Timeline> OpenAsync()
    {
        TestCluster cluster = await s_recorded.Value;
        return await Timeline.OpenAsync(cluster.Store, TestCluster.Vm, TimeProvider.System, CancellationToken.None);
    }
}
