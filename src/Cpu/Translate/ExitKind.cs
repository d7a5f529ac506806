// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Translate;

/// <summary>How host code was left.</summary>
internal enum ExitKind : byte
{
    /// <summary>Before an instruction, which the interpreter has to execute. The block stays charged.</summary>
    Step = 0,

    /// <summary>At the end of a block that leads to one address in the same page.</summary>
    Edge = 1,

    /// <summary>Between two blocks: the runner finds the next.</summary>
    Leave = 2,
}
