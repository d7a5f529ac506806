// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu;
using KvmActors.Cpu.Debugging;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Machine;

/// <summary>What a debugger does with a VM: stops where it wishes, takes single steps, looks at memory.</summary>
/// <remarks>A VM that was stepped may stand between two settled states (<see cref="VirtualMachine"/>), which no journal
/// tells of: only a replica of its own is debugged, never the VM itself. Not thread-safe, as the VM.</remarks>
public sealed class MachineDebugger
{
    /// <summary>What <see cref="ReadRegisters"/> gives.</summary>
    public const int RegisterCount = 17;

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

    /// <summary>What the code of one vCPU is decoded as.</summary>
    public CpuMode Mode(int vcpu) => _vcpus[vcpu].Mode;

    /// <summary>The instruction pointer of one vCPU, without its segment's base.</summary>
    public ulong Rip(int vcpu) => _vcpus[vcpu].Rip;

    /// <summary>Copies one vCPU's general registers, in the order of <see cref="Gpr"/>, and behind them RFLAGS: much
    /// cheaper than to save the VM.</summary>
    /// <param name="destination">At least <see cref="RegisterCount"/>.</param>
    public void ReadRegisters(int vcpu, Span<ulong> destination)
    {
        _vcpus[vcpu].ReadGprs(destination);
        destination[RegisterCount - 1] = _vcpus[vcpu].RFlags;
    }

    /// <summary>All of one vCPU.</summary>
    public VcpuState Save(int vcpu) => _vcpus[vcpu].Save();

    /// <summary>Reads memory through one vCPU's page tables, without privilege and without a trace in the guest.
    /// </summary>
    /// <returns>How many bytes could be read, from the first on.</returns>
    public int ReadLinear(int vcpu, Gva start, Span<byte> destination)
    {
        int done = 0;
        while (done < destination.Length
            && Translate(vcpu, new Gva(start.Value + (ulong)done)) is { } physical
            && _machine.Memory.RamFrom(physical) > 0)
        {
            int offset = (int)(physical.Value % GuestMemory.PageBytes);
            int count = Math.Min(destination.Length - done, GuestMemory.PageBytes - offset);
            int page = (int)(physical.Value / GuestMemory.PageBytes);
            _machine.Memory.Page(page).Slice(offset, count).CopyTo(destination[done..]);
            done += count;
        }

        return done;
    }

    /// <summary>Takes one step: an instruction, or the delivery of an exception or interrupt, or the answer to a #UD
    /// exit. VM time in which no vCPU can run passes before it.</summary>
    /// <param name="standStillUntil">VM time that may pass at most while no vCPU can run.</param>
    /// <param name="before">Is told the vCPU that takes it, before it does; perhaps twice.</param>
    /// <returns>Which vCPU took it, and with what; null where the VM has ended, waits for an input, or stood still
    /// until then.</returns>
    public SteppedVcpu? Step(ulong standStillUntil = ulong.MaxValue, Action<int>? before = null)
    {
        _vcpus.ForEach(vcpu => vcpu.StopsAtDelivery = true);
        try
        {
            return _machine.TakeStep(standStillUntil, before);
        }
        finally
        {
            _vcpus.ForEach(vcpu => vcpu.StopsAtDelivery = false);
        }
    }
}
