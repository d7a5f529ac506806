// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.TestKit.Simulation;

/// <summary>What goes wrong with one call. See <see cref="StoreFaults"/>.</summary>
internal enum StoreFault
{
    None,
    Refused,
    RequestLost,
    ReplyLost,
    Late,
}
