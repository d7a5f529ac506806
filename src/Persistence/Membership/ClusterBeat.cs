// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Membership;

/// <summary>When the store last took a renewal of any node, and since when it takes them without a long
/// pause.</summary>
/// <param name="BootId">The boot whose monotonic clock the two times are on.</param>
internal sealed record ClusterBeat(string BootId, long LastBeatMs, long StoreUpSinceMs)
{
    /// <summary>The beat after a renewal or a registration. A pause of more than half a lease means that the store was
    /// away: leases that ran out meanwhile prove nothing, so the wait for takeovers starts anew.</summary>
    internal static ClusterBeat After(ClusterBeat? before, string bootId, long nowMs, long leaseMs)
    {
        bool steady = before is not null && before.BootId == bootId && nowMs - before.LastBeatMs <= leaseMs / 2;
        return new ClusterBeat(bootId, nowMs, steady ? before!.StoreUpSinceMs : nowMs);
    }
}
