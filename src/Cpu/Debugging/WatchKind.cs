// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Debugging;

/// <summary>Which accesses a watchpoint is for.</summary>
public enum WatchKind
{
    Write,
    Read,

    /// <summary>Reads and writes.</summary>
    Access,
}
