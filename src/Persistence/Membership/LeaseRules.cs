// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Journal;

namespace KvmActors.Persistence.Membership;

/// <summary>Who is alive, who may be declared dead and who may claim: the one definition behind every store.
/// Pure.</summary>
/// <remarks>Times are milliseconds of the machine's monotonic clock; a lease given in another boot is over. Safety
/// never rests on these clocks: a node wrongly declared dead is fenced and stops.</remarks>
internal static class LeaseRules
{
    internal static bool IsExpired(NodeRow node, string bootId, long nowMs, long graceMs) =>
        node.BootId != bootId || nowMs > node.LeaseUntilMs + graceMs;

    /// <summary>Whether a newcomer of the same name must be refused. Its own lease alone counts: whoever starts a
    /// second process of a name while the store was away replaces the first, which is then fenced.</summary>
    internal static bool HoldsItsName(NodeRow node, string bootId, long nowMs) =>
        node.Status != NodeStatus.Dead && !IsExpired(node, bootId, nowMs, graceMs: 0);

    internal static bool MayDeclareDead(
        NodeEntry node, ClusterBeat? beat, DeathEvidence evidence, long graceMs, string bootId, long nowMs)
    {
        if (evidence == DeathEvidence.FileLockHeld || node.Row.BootId != bootId)
        {
            return true;
        }

        // No mass death after an outage of the store: everybody gets a whole lease to renew first. Whoever looks before
        // the first renewal behind an outage finds a beat from before it, which says nothing of now.
        long upSinceMs = ClusterBeat.After(beat, bootId, nowMs, node.LeaseMs).StoreUpSinceMs;
        bool storeIsSteady = nowMs - upSinceMs >= node.LeaseMs;
        return storeIsSteady && IsExpired(node.Row, bootId, nowMs, graceMs);
    }

    /// <returns>Null where the claim holds, else why not.</returns>
    internal static CommitResult.ClaimRefused? Check(
        TakeoverClaim claim, NodeRow? claimant, NodeRow? dead, string bootId, long nowMs)
    {
        if (claimant is null || claimant.Status != NodeStatus.Active)
        {
            return new CommitResult.ClaimRefused(
                $"Expected {claim.Claimant} to be an active node, found it "
                + $"{claimant?.Status.ToString().ToLowerInvariant() ?? "unknown"}. Register it before it claims.");
        }

        if (IsExpired(claimant, bootId, nowMs, graceMs: 0))
        {
            return new CommitResult.ClaimRefused(
                $"The lease of the claimant {claim.Claimant} is over. Renew it before it claims.");
        }

        if (claim.Dead is { } owner && dead?.Status != NodeStatus.Dead)
        {
            return new CommitResult.ClaimRefused(
                $"Expected the owner {owner} to be declared dead, found it "
                + $"{dead?.Status.ToString().ToLowerInvariant() ?? "unknown"}. Declare it dead first.");
        }

        return null;
    }
}
