// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Kernel;

namespace KvmActors.TestKit.Simulation;

/// <summary>Writes what the kernel of one process does into the trace.</summary>
internal sealed class TraceObserver(SeededTaskScheduler scheduler, string process) : IKernelObserver
{
    public void OnDelivery(ActorRef recipient, object message, Lane lane) =>
        scheduler.Note($"{process}{recipient.Path} <- {message.GetType().Name}");

    public void OnEvent(KernelEvent happened) => scheduler.Note(happened switch
    {
        KernelEvent.Failed failed => $"{process}{failed.Actor} failed: {failed.Cause.GetType().Name}: {failed.Cause.Message}",
        _ => $"{process}{happened.Actor} {happened.GetType().Name}",
    });
}
