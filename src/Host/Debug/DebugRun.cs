// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Debugging;

namespace KvmActors.Host.Debug;

/// <summary>How a guest is to go on.</summary>
/// <param name="IsReverse">Back, through what it has lived.</param>
/// <param name="SteppedVcpu">One step of this vCPU and no more; null: until something of <paramref name="Wishes"/> is
/// met.</param>
internal sealed record DebugRun(bool IsReverse, int? SteppedVcpu, GuestDebug Wishes);
