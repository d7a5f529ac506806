// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Vm;

/// <param name="IsLost">Another node has the VM.</param>
/// <param name="Answered">The input that entered with the slice; durable unless lost.</param>
internal readonly record struct SliceOutcome(bool IsLost, PendingInput? Answered);
