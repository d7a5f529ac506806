// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Tests.Silicon.Vectors.Recording;

/// <summary>How a memory operand is moved to where it faults.</summary>
internal enum FaultKind
{
    Absent,
    HalfAbsent,
    ReadOnly,
    NotAligned,
    NotCanonical,
    PastLimit,
    StackAbsent,
    StackNotCanonical,
}
