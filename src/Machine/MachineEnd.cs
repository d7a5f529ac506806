// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu;

namespace KvmActors.Machine;

/// <summary>How a VM came to its end. A VM that has one runs no further.</summary>
public abstract record MachineEnd
{
    private MachineEnd()
    {
    }

    /// <summary>The process exit code of <c>run</c>: odd if the guest chose it, at port 0xF4, even if not.</summary>
    public abstract int ExitCode { get; }

    /// <summary>One sentence for a person.</summary>
    public abstract string Describe();

    /// <summary>The guest wrote <paramref name="Value"/> to the isa-debug-exit port (0xF4).</summary>
    public sealed record DebugExit(uint Value) : MachineEnd
    {
        /// <summary>Odd: <c>(value &lt;&lt; 1) | 1</c>, cut to the eight bits a process exit code has.</summary>
        public override int ExitCode => (int)(((Value << 1) | 1) & 0xFF);

        public override string Describe() => $"The guest ended itself through port 0xf4 with value 0x{Value:x}.";
    }

    /// <summary>Every vCPU is halted and nothing can wake one, which is what a guest without ACPI does to power off; or
    /// the guest has switched the power off.</summary>
    public sealed record PoweredOff : MachineEnd
    {
        public override int ExitCode => 0;

        public override string Describe() =>
            "The guest switched itself off, or halted with nothing left that could wake it.";
    }

    /// <summary>The guest asked the machine to reset itself. There is no firmware that would start it again.</summary>
    public sealed record Reset : MachineEnd
    {
        public override int ExitCode => 10;

        public override string Describe() => "The guest asked for a reset; there is no firmware to start it again.";
    }

    public sealed record TripleFault(int VcpuIndex, string Reason) : MachineEnd
    {
        public override int ExitCode => 4;

        public override string Describe() => $"vCPU {VcpuIndex} shut down by a triple fault: {Reason}";
    }

    public sealed record EmulationFailure(int VcpuIndex, Gva Rip, ImmutableArray<byte> Bytes, string Reason)
        : MachineEnd
    {
        public override int ExitCode => 6;

        public override string Describe() =>
            $"vCPU {VcpuIndex} met an instruction that this engine does not have at {Rip}: "
            + $"{Convert.ToHexStringLower([.. Bytes])} ({Reason}). The guest was stopped before it.";
    }
}
