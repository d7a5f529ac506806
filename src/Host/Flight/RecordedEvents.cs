// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;

namespace KvmActors.Host.Flight;

/// <summary>Records what the cluster's and the kernel's observers are told, and passes it on.</summary>
internal sealed class RecordedEvents(IClusterObserver inner, FlightRecorder? recorder)
    : IClusterObserver, IKernelObserver
{
    public void On(ClusterEvent happened)
    {
        if (happened is ClusterEvent.NodeJoined joined)
        {
            recorder?.NameAs(joined.Node.Value);
        }

        recorder?.Record(happened.ToString());
        inner.On(happened);
    }

    public void OnDelivery(ActorRef recipient, object message, Lane lane)
    {
        // Far too many, and what matters of them shows elsewhere.
    }

    public void OnEvent(KernelEvent happened)
    {
        switch (happened)
        {
            case KernelEvent.Failed failed:
                recorder?.Record($"actor {failed.Actor} failed: {failed.Cause.GetType().Name}: {failed.Cause.Message}");
                break;
            case KernelEvent.Decided or KernelEvent.RestartsExhausted:
                recorder?.Record(happened.ToString());
                break;
        }
    }
}
