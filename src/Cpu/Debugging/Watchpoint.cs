// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Debugging;

/// <summary>Bytes of linear memory that a debugger watches.</summary>
/// <param name="SizeBytes">1 or more; they may lie in several pages.</param>
public readonly record struct Watchpoint(Gva Start, int SizeBytes, WatchKind Kind)
{
    /// <summary>True if an access meets it.</summary>
    public bool IsMetBy(ulong linear, int sizeBytes, bool isWrite) =>
        (isWrite ? Kind != WatchKind.Read : Kind != WatchKind.Write)
        && linear - Start.Value < (ulong)SizeBytes | Start.Value - linear < (ulong)sizeBytes;
}
