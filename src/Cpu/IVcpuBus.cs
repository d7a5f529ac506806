// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Apic;

namespace KvmActors.Cpu;

/// <summary>What a vCPU reaches besides RAM: quiet I/O ports, devices in memory, the other local APICs, the interrupt
/// controller at LINT0. Called on the thread that runs the vCPU, in the middle of an instruction.</summary>
/// <remarks>All answers are functions of the machine's state, so that a run can be repeated.</remarks>
public interface IVcpuBus
{
    /// <summary>True while the interrupt controller at the vCPU's LINT0 asks for an interrupt.</summary>
    bool HasExternalInterrupt { get; }

    /// <summary>An IN of a port whose answer concerns nobody but the guest: it moves no interrupt line and no deadline,
    /// and ends nothing. Such a one is answered in the middle of a run; all others are an exit.</summary>
    /// <param name="port">The port.</param>
    /// <param name="sizeBytes">1, 2 or 4.</param>
    /// <param name="vmTime">VM time of the instruction; nothing is due until then.</param>
    /// <param name="value">The value read.</param>
    bool TryReadPort(ushort port, int sizeBytes, ulong vmTime, out uint value)
    {
        value = 0;
        return false;
    }

    /// <summary>As <see cref="TryReadPort"/>, for an OUT.</summary>
    bool TryWritePort(ushort port, int sizeBytes, uint value, ulong vmTime) => false;

    /// <summary>A load outside of RAM. Where there is no device, all ones.</summary>
    /// <param name="address">Guest physical.</param>
    /// <param name="sizeBytes">1 to 8.</param>
    /// <param name="vmTime">VM time of the instruction.</param>
    ulong ReadMmio(Gpa address, int sizeBytes, ulong vmTime);

    /// <summary>A store outside of RAM. Where there is no device, nothing happens.</summary>
    void WriteMmio(Gpa address, int sizeBytes, ulong value, ulong vmTime);

    /// <summary>Takes an interrupt from the controller at LINT0: its vector.</summary>
    byte AcknowledgeExternalInterrupt();

    /// <summary>An IPI leaves this vCPU's local APIC.</summary>
    void Send(int sender, InterruptMessage message);

    /// <summary>A level-triggered interrupt was ended.</summary>
    void EndOfInterrupt(byte vector);

    /// <summary>The paravirtual clocks of all vCPUs are to be written: one was switched on, or a TSC was moved.
    /// </summary>
    /// <param name="vmTime">VM time of the instruction.</param>
    void ClocksChanged(ulong vmTime);

    /// <summary>The guest has written MSR KVM_WALL_CLOCK, which is the VM's.</summary>
    /// <param name="register">Where the wall clock at VM time 0 is to be written: a GPA.</param>
    void WallClockAsked(ulong register);
}
