// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine.Devices;

/// <summary>The 8254 and port 61h as data.</summary>
/// <param name="SystemControl">Port 61h bits 3:0.</param>
/// <param name="DrivenClock">Up to which clock the output of counter 0 has been driven onto its line.</param>
public sealed record PitState(
    PitChannelState Channel0,
    PitChannelState Channel1,
    PitChannelState Channel2,
    byte SystemControl,
    ulong DrivenClock);
