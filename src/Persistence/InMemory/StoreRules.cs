// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Membership;
using KvmActors.Persistence.Ownership;

namespace KvmActors.Persistence.InMemory;

/// <summary>What an <see cref="InMemoryStore"/> asks before it writes: the rules behind every store, unless a test puts
/// others in their place, to see whether it would be noticed.</summary>
public sealed record StoreRules
{
    public static StoreRules Default { get; } = new();

    /// <summary>Of a write and the row as it is: null where the write may happen.</summary>
    public Func<StreamWrite, StreamRow?, CommitResult?> Fence { get; init; } = FenceRules.Check;

    /// <summary>Of a takeover: null where it may happen.</summary>
    public ClaimRule Claim { get; init; } = LeaseRules.Check;

    /// <param name="bootId">Of this boot; leases are measured on its clock.</param>
    public delegate CommitResult.ClaimRefused? ClaimRule(
        TakeoverClaim claim, NodeRow? claimant, NodeRow? dead, string bootId, long nowMs);
}
