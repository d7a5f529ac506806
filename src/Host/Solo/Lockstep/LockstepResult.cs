// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu;
using KvmActors.Machine;

namespace KvmActors.Host.Solo.Lockstep;

/// <summary>What came of a <see cref="LockstepRun"/>.</summary>
/// <param name="Run">Of the VM in the interpreter.</param>
/// <param name="Twin">What the other engine has done.</param>
internal sealed record LockstepResult(SoloRunResult Run, EngineStatistics Twin)
{
    /// <summary>Null where none was found.</summary>
    public LockstepDifference? Difference { get; init; }
}
