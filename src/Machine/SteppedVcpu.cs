// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Debugging;

namespace KvmActors.Machine;

/// <summary>One step of a VM under a debugger.</summary>
/// <param name="Index">The vCPU that took it.</param>
/// <param name="HasRetired">True for an instruction, false for a step that costs no VM time, or none at all where a
/// breakpoint was met.</param>
/// <param name="Hit">What it met of the debugger's wishes.</param>
public sealed record SteppedVcpu(int Index, bool HasRetired, DebugHit? Hit);
