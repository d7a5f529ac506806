// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Debugging;

/// <summary>What a debugger's wish has met.</summary>
/// <param name="VcpuIndex">The vCPU that met it.</param>
public abstract record DebugHit(int VcpuIndex)
{
    /// <summary>The instruction at this linear address comes next; nothing of it is executed.</summary>
    public sealed record Breakpoint(int VcpuIndex, Gva Address) : DebugHit(VcpuIndex);

    /// <summary>The last instruction has accessed watched data.</summary>
    /// <param name="Address">Linear address of the first byte accessed.</param>
    public sealed record Watch(int VcpuIndex, Watchpoint Watchpoint, Gva Address) : DebugHit(VcpuIndex);
}
