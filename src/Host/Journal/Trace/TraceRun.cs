// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Actors.Replay;
using KvmActors.Host.Cli;
using KvmActors.Machine;

namespace KvmActors.Host.Journal.Trace;

/// <summary>Takes a recorded guest through a stretch of its life, and gives each step to a sink.</summary>
/// <param name="Vcpu">Steps of this vCPU only; null for all.</param>
/// <param name="StepsMax">Steps that are given at most.</param>
internal sealed record TraceRun(Moment From, Moment To, int? Vcpu, ulong StepsMax)
{
    private const ulong LookMask = 0x3FFF;

    /// <summary>Steps that were given.</summary>
    public ulong StepsDone { get; private set; }

    /// <returns>True if the stretch was walked to its end, false if the limit came first.</returns>
    public async Task<bool> RunAsync(
        Timeline timeline, Func<GuestTracer> trace, ITraceSink sink, VerbProgress progress, CancellationToken stop)
    {
        await TimelineWalk.GoToAsync(timeline, From, progress, stop).ConfigureAwait(false);
        GuestTracer tracer = trace();
        Queue<ReplayEvent> events = new(timeline.History.Events.Where(next => next.VmTime >= From.VmTime));
        ulong taken = 0;
        while (StepsDone < StepsMax && tracer.MoveNext())
        {
            Enter(events, tracer.At, sink);
            if (Vcpu is null || tracer.Stepped.Index == Vcpu)
            {
                StepsDone++;
                sink.Step(tracer);
            }

            if ((++taken & LookMask) == 0)
            {
                stop.ThrowIfCancellationRequested();
                progress.Show(string.Create(
                    CultureInfo.InvariantCulture,
                    $"tracing: VM time {timeline.Now.VmTime:N0} on the way to {To.VmTime:N0} "));
            }
        }

        progress.Clear();
        Enter(events, timeline.Now, sink);
        sink.Finish(timeline.Now, timeline.Machine.End);
        return timeline.Now >= To || timeline.Machine.End is not null || StepsDone < StepsMax;
    }

    private static void Enter(Queue<ReplayEvent> events, Moment at, ITraceSink sink)
    {
        while (events.TryPeek(out ReplayEvent? next) && next.VmTime <= at.VmTime)
        {
            sink.Event(events.Dequeue());
        }
    }
}
