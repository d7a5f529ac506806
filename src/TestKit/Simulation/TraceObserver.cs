// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Kernel;

namespace KvmActors.TestKit.Simulation;

/// <summary>Writes what the kernel of one process does into the trace.</summary>
internal sealed class TraceObserver(SeededTaskScheduler scheduler, string process) : IKernelObserver
{
    private readonly Dictionary<ActorRef, string> _paths = [];

    public void OnDelivery(ActorRef recipient, object message, Lane lane) =>
        scheduler.Note(process, PathOf(recipient), message.GetType().Name);

    public void OnEvent(KernelEvent happened)
    {
        string what = happened is KernelEvent.Failed failed
            ? $"failed: {failed.Cause.GetType().Name}: {failed.Cause.Message}"
            : happened.GetType().Name;
        scheduler.Note($"{process}{happened.Actor} {what}");
    }

    private string PathOf(ActorRef actor)
    {
        if (!_paths.TryGetValue(actor, out string? path))
        {
            _paths[actor] = path = $"{actor.Path} <- ";
        }

        return path;
    }
}
