// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Cluster;

/// <summary>What is known of a request that got no reply.</summary>
public enum LinkOutcome
{
    /// <summary>It did not reach the other node, and will not.</summary>
    NotSent = 1,

    /// <summary>It may have been handled, or may still be: ask again under the same command id.</summary>
    Unknown = 2,
}
