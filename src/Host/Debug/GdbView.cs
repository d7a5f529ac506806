// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu;
using KvmActors.Cpu.State;

namespace KvmActors.Host.Debug;

/// <summary>What gdb looks at: a vCPU of a guest, and virtual or physical memory.</summary>
internal sealed class GdbView(IDebugTarget target, RegisterLayout layout)
{
    public IDebugTarget Target { get; } = target;

    public RegisterLayout Layout { get; } = layout;

    /// <summary>Whose registers and page tables are read.</summary>
    public int Vcpu { get; set; } = target.State.Runner;

    /// <summary>Memory packets name physical addresses.</summary>
    public bool IsPhysical { get; set; }

    public VcpuState State => Target.State.Vcpus[Vcpu];

    /// <returns>How many bytes could be read, from the first on.</returns>
    public int ReadMemory(ulong start, Span<byte> destination) => IsPhysical
        ? Target.ReadPhysical(new Gpa(start), destination)
        : Target.ReadVirtual(Vcpu, new Gva(start), destination);
}
