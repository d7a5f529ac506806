// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu;
using KvmActors.Cpu.Debugging;

namespace KvmActors.Host.Debug;

/// <summary>Why a guest stands where it stands.</summary>
/// <param name="Vcpu">The vCPU that a debugger should look at.</param>
internal abstract record DebugStop(int Vcpu)
{
    /// <summary>The vCPU is about to execute the instruction at this address: on the way on as on the way back.
    /// </summary>
    public sealed record Breakpoint(int Vcpu, Gva Address) : DebugStop(Vcpu);

    /// <summary>On the way on: the vCPU has just made the access. On the way back: it is about to make it.</summary>
    public sealed record Watch(int Vcpu, Watchpoint Watchpoint) : DebugStop(Vcpu);

    /// <summary>Where it was asked to go.</summary>
    public sealed record Reached(int Vcpu) : DebugStop(Vcpu);

    /// <summary>There is nothing before.</summary>
    public sealed record AtStart(int Vcpu) : DebugStop(Vcpu);

    /// <summary>There is nothing behind.</summary>
    public sealed record AtEnd(int Vcpu) : DebugStop(Vcpu);

    public sealed record Interrupted(int Vcpu) : DebugStop(Vcpu);
}
