// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>An actor fails because a child's failure was escalated to it.</summary>
public sealed class ChildFailedException(string child, Exception cause)
    : Exception($"{child} failed, and its strategy is to escalate: {cause.Message}", cause)
{
    /// <summary>Path of the child.</summary>
    public string Child { get; } = child;
}
