// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine;

/// <summary>Why a <see cref="SoloRun"/> came back.</summary>
public enum SoloRunStop
{
    /// <summary>The guest ended; see <see cref="SoloRunResult.End"/>.</summary>
    Ended,

    /// <summary><see cref="SoloRunOptions.InstructionsMax"/> is reached.</summary>
    LimitReached,

    /// <summary>The caller asked for it.</summary>
    Cancelled,
}
