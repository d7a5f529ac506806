// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Debugging;

namespace KvmActors.Cpu;

/// <summary>Why <c>Vcpu.Run</c> returned: what the engine needs and does not own. As KVM_RUN's exit reasons.</summary>
/// <remarks>RIP still points at the exiting instruction, and it is not yet counted as retired, unless a case says
/// otherwise. The cases are listed in <c>VmExitTests</c>, so that a new one is met everywhere.</remarks>
public abstract record VmExit
{
    private VmExit()
    {
    }

    /// <summary>The instruction budget is used up. KVM has no equal.</summary>
    public sealed record BudgetSpent : VmExit;

    /// <summary>A timer may have been set: <c>Vcpu.NextDeadline</c> and those of the devices are to be asked for again.
    /// The instruction that did it is retired. KVM has no equal: its timers are the kernel's.</summary>
    public sealed record DeadlineChanged : VmExit;

    /// <summary>IN or INS. Answer with <c>Vcpu.CompletePortRead</c>. KVM_EXIT_IO, direction in.</summary>
    public sealed record PortRead(ushort Port, int SizeBytes) : VmExit;

    /// <summary>OUT or OUTS. Finish with <c>Vcpu.CompletePortWrite</c>. KVM_EXIT_IO, direction out.</summary>
    public sealed record PortWrite(ushort Port, int SizeBytes, uint Value) : VmExit;

    /// <summary>HLT. Retired: RIP is behind it and it is counted. KVM_EXIT_HLT.</summary>
    public sealed record Halted : VmExit;

    /// <summary>The native hypercall instruction of the host vendor. KVM_EXIT_HYPERCALL, hardware VMCALL/VMMCALL
    /// exit.</summary>
    public sealed record Hypercall : VmExit;

    /// <summary>#UD, which is in the exception bitmap: nothing was delivered to the guest yet.</summary>
    public sealed record InvalidOpcode : VmExit;

    /// <summary>Triple fault. KVM_EXIT_SHUTDOWN.</summary>
    public sealed record Shutdown(string Reason) : VmExit;

    /// <summary>An instruction this engine does not have. State is untouched. KVM_INTERNAL_ERROR_EMULATION.</summary>
    public sealed record EmulationFailure(Gva Rip, ImmutableArray<byte> Bytes, string Reason) : VmExit;

    /// <summary>What <c>Vcpu.GuestDebug</c> asks for. KVM_EXIT_DEBUG.</summary>
    /// <param name="Hit">A breakpoint, with nothing of its instruction done, or a watchpoint, behind the instruction
    /// that met it, which is retired. Null behind a delivery, where <c>Vcpu.StopsAtDelivery</c> is set.</param>
    public sealed record Debug(DebugHit? Hit) : VmExit;
}
