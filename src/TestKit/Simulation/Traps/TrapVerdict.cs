// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.TestKit.Simulation.Traps;

/// <summary>What becomes of a call behind a <see cref="Trap"/>.</summary>
internal enum TrapVerdict
{
    GoesOn,
    Lost,
    Broken,
}
