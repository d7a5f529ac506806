// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu;

namespace KvmActors.Host.Debug;

/// <summary>How a guest is to go on.</summary>
/// <param name="IsReverse">Back, through what it has lived.</param>
/// <param name="SteppedVcpu">One step of this vCPU and no more; null: until a breakpoint or watchpoint.</param>
internal sealed record DebugRun(
    bool IsReverse, int? SteppedVcpu, ImmutableArray<Gva> Breakpoints, ImmutableArray<DebugWatchpoint> Watchpoints);
