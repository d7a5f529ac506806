// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Configuration;

/// <summary>Keys below <c>kvmactors.cluster</c>; <c>hocon/reference.conf</c> tells what each means.</summary>
internal sealed record ClusterOptions(
    TimeSpan Lease, TimeSpan Renew, TimeSpan Grace, TimeSpan Watch, TimeSpan ClaimHeadStart, TimeSpan StoreRetry);
