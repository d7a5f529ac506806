// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu;
using KvmActors.Cpu.Debugging;

namespace KvmActors.Machine;

/// <summary>What a debugger does with a VM: stops where it wishes, takes single steps, looks at memory.</summary>
/// <remarks>A VM that was stepped may stand between two settled states (<see cref="VirtualMachine"/>), which no journal
/// tells of: only a replica of its own is debugged, never the VM itself. Not thread-safe, as the VM.</remarks>
public sealed class MachineDebugger
{
    private readonly VirtualMachine _machine;
    private readonly VcpuSet _vcpus;
    private GuestDebug _wishes = GuestDebug.None;

    internal MachineDebugger(VirtualMachine machine, VcpuSet vcpus)
    {
        _machine = machine;
        _vcpus = vcpus;
    }

    /// <summary>Where all vCPUs are to stop from now on: a slice then ends with
    /// <see cref="Time.SliceStop.Debug"/>.</summary>
    public void Wish(GuestDebug wishes)
    {
        // Decoded code is dropped: not for nothing.
        if (!ReferenceEquals(wishes, _wishes))
        {
            _wishes = wishes;
            _vcpus.ForEach(vcpu => vcpu.GuestDebug = wishes);
        }
    }

    public Moment Now => new(_machine.VmTime, _vcpus.Current.CostlessSteps);

    /// <summary>The vCPU that runs next, or ran last.</summary>
    public int Current => _vcpus.Runner;

    /// <summary>Instructions that one vCPU has retired.</summary>
    public ulong InstructionsRetired(int vcpu) => _vcpus[vcpu].InstructionsRetired;

    /// <summary>The linear address of a vCPU's next instruction.</summary>
    public Gva LinearRip(int vcpu) => _vcpus[vcpu].LinearRip;

    /// <summary>Where a linear address leads on one vCPU, or null where nothing is mapped.</summary>
    public Gpa? Translate(int vcpu, Gva linear) => _vcpus[vcpu].Translate(linear);

    /// <summary>Takes one step: an instruction, or the delivery of an exception or interrupt, or the answer to a #UD
    /// exit. VM time in which no vCPU can run passes before it.</summary>
    /// <param name="standStillUntil">VM time that may pass at most while no vCPU can run.</param>
    /// <returns>Which vCPU took it, and with what; null where the VM has ended, waits for an input, or stood still
    /// until then.</returns>
    public SteppedVcpu? Step(ulong standStillUntil = ulong.MaxValue)
    {
        _vcpus.ForEach(vcpu => vcpu.StopsAtDelivery = true);
        try
        {
            return _machine.TakeStep(standStillUntil);
        }
        finally
        {
            _vcpus.ForEach(vcpu => vcpu.StopsAtDelivery = false);
        }
    }
}
