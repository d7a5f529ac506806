// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>Work that went on outside of the mailbox, completed. Turned into a message in the actor's turn.</summary>
internal abstract class PipedResult(int incarnation)
{
    /// <summary>Which instance of the actor began it.</summary>
    public int Incarnation { get; } = incarnation;

    public abstract object ToMessage();
}
