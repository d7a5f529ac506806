// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Decode;

/// <summary>What became of an instruction that an <see cref="Uop.Operation"/> executed.</summary>
internal enum Outcome
{
    /// <summary>Retired; go on with the next instruction of the block.</summary>
    Next = 0,

    /// <summary>Retired, and RIP is set; the instruction is the last of its block. The exit reason may say
    /// more.</summary>
    Jumped = 1,

    /// <summary>Not retired: the exit reason says why. RIP stays at the instruction.</summary>
    NotRetired = 2,
}
