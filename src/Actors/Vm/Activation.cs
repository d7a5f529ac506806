// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;

namespace KvmActors.Actors.Vm;

/// <summary>What came of bringing a VM to life on this node.</summary>
internal abstract record Activation
{
    private Activation()
    {
    }

    /// <param name="Reply">For the client who asked for it; null where none did.</param>
    public sealed record Ready(VmSession Session, RecoveryReport? Recovery, ControlReply? Reply) : Activation;

    /// <summary>Nothing was created.</summary>
    public sealed record Refused(ControlReply Reply) : Activation;

    /// <summary>Its journal cannot be replayed here.</summary>
    public sealed record Corrupt(VmRows Rows, string Reason) : Activation;
}
