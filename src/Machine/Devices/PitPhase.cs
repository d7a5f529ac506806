// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine.Devices;

/// <summary>What a counter of the 8254 does.</summary>
public enum PitPhase
{
    /// <summary>It has a control word and no count in use yet.</summary>
    WaitsForCount = 0,

    /// <summary>Modes 1 and 5: it has its count and waits for its gate to rise.</summary>
    WaitsForTrigger = 1,

    /// <summary>It counts.</summary>
    Counts = 2,

    /// <summary>Its gate is low; modes 0 and 4 go on from here when it rises, modes 2 and 3 from the start.</summary>
    Stopped = 3,
}
