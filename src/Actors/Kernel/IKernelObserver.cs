// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>Sees what the kernel does: for logs, telemetry and traces of a simulation. Called on the thread where it
/// happens: be quick, and do not throw.</summary>
public interface IKernelObserver
{
    /// <summary>An actor is about to be given a message.</summary>
    void OnDelivery(ActorRef recipient, object message, Lane lane);

    void OnEvent(KernelEvent happened);
}
