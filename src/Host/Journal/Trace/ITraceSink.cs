// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Replay;
using KvmActors.Machine;

namespace KvmActors.Host.Journal.Trace;

/// <summary>What is done with the steps of a traced guest.</summary>
internal interface ITraceSink
{
    /// <summary>A journaled event that lies before the next step.</summary>
    void Event(ReplayEvent next);

    /// <summary>A step, which the tracer tells of.</summary>
    void Step(GuestTracer tracer);

    /// <summary>Nothing follows.</summary>
    /// <param name="now">Where the guest stands.</param>
    /// <param name="end">How it ended there, or null.</param>
    void Finish(Moment now, MachineEnd? end);
}
