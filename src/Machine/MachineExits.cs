// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using KvmActors.Cpu;
using KvmActors.Cpu.Debugging;
using KvmActors.Machine.Devices;

namespace KvmActors.Machine;

/// <summary>Serves the VM exits of vCPUs: ports by the devices, hypercalls by their layer, and the ends of the
/// VM.</summary>
internal sealed class MachineExits(Platform platform, MachineEvents events, MachineHypercalls hypercalls)
{
    /// <summary>How the VM ended, or null while it can run.</summary>
    public MachineEnd? End { get; set; }

    /// <summary>The exit for a debugger that nobody has taken yet.</summary>
    public VmExit.Debug? Debug { get; private set; }

    /// <summary>What a debugger's exit has met; the exit is forgotten.</summary>
    public DebugHit? TakeHit()
    {
        DebugHit? hit = Debug?.Hit;
        Debug = null;
        return hit;
    }

    /// <summary>Serves an exit. True if the last thing that happened before it was an instruction's retirement.
    /// </summary>
    public bool Serve(Vcpu vcpu, VmExit exit, ulong vmTime)
    {
        switch (exit)
        {
            case VmExit.BudgetSpent or VmExit.DeadlineChanged:
                return true;
            case VmExit.Halted:
                EndIfOver();
                return true;
            case VmExit.PortRead read:
                platform.Clock.VmTime = vmTime;
                vcpu.CompletePortRead(platform.Bus.Read(read.Port, read.SizeBytes));
                break;
            case VmExit.PortWrite write:
                platform.Clock.VmTime = vmTime;
                platform.Bus.Write(write.Port, write.SizeBytes, write.Value);
                vcpu.CompletePortWrite();
                End = events.End;
                break;
            case VmExit.Hypercall or VmExit.InvalidOpcode:
                hypercalls.Serve(vcpu, exit, vmTime);
                break;
            case VmExit.Shutdown shutdown:
                End = new MachineEnd.TripleFault(vcpu.Index, shutdown.Reason + CodeAtRip(vcpu));
                return true;
            case VmExit.EmulationFailure failure:
                End = new MachineEnd.EmulationFailure(vcpu.Index, failure.Rip, failure.Bytes, failure.Reason);
                return true;
            case VmExit.Debug debug:
                Debug = debug;
                return true;
            default:
                throw new UnreachableException($"Expected a known VM exit, found {exit.GetType().Name}.");
        }

        return false;
    }

    /// <summary>Ends the VM where no vCPU can ever run again.</summary>
    public void EndIfOver()
    {
        if (events.IsOver)
        {
            End = new MachineEnd.PoweredOff();
        }
    }

    /// <summary>Ends the VM where so many exits in a row have retired nothing.</summary>
    public void EndIfLost(Vcpu vcpu, int fruitlessSteps)
    {
        if (fruitlessSteps >= VirtualMachine.FruitlessStepsMax && End is null)
        {
            End = new MachineEnd.TripleFault(
                vcpu.Index,
                $"{VirtualMachine.FruitlessStepsMax} VM exits in a row without one retired instruction between them."
                + CodeAtRip(vcpu));
        }
    }

    /// <summary>The bytes a failed instruction begins with: often the whole answer to why a guest died.</summary>
    private static string CodeAtRip(Vcpu vcpu)
    {
        const int BytesShown = 8;
        Span<byte> code = stackalloc byte[BytesShown];
        return vcpu.ReadCode(vcpu.LinearRip, code).Succeeded
            ? $" Code at RIP 0x{vcpu.Rip:x}: {Convert.ToHexStringLower(code)}."
            : $" No code can be read at RIP 0x{vcpu.Rip:x}.";
    }
}
