// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operations;

// JUSTIFICATION: see CpuState.
// SAFETY: touches only the state; memory is reached through GeneralOperand.

/// <summary>Control registers, and what flushes the caches.</summary>
/// <remarks>Source: Intel SDM vol. 2B, "MOV—Move to/from Control Registers", "LMSW", "SMSW",
/// "CLTS".</remarks>
internal static unsafe class ControlRegisterOperations
{
    private const ulong MachineStatusWritable = ControlBits.Cr0ProtectionEnable
        | ControlBits.Cr0MonitorCoprocessor | ControlBits.Cr0Emulation | ControlBits.Cr0TaskSwitched;

    // CR8 is the priority class of the local APIC's TPR. Source: Intel SDM vol. 3A, section 12.8.6.
    private const ulong Cr8Defined = 0xF;
    private const int TaskPriorityShift = 4;

    public static void Register(InstructionTable table)
    {
        table.AddLast(Mnemonic.Clts, &ClearTaskSwitched);
        table.AddLast(Mnemonic.Lmsw, &LoadMachineStatus);
        table.Add(Mnemonic.Smsw, &StoreMachineStatus);
        table.AddLast(Mnemonic.Wbinvd, &WriteBack);
        table.AddLast(Mnemonic.Wbnoinvd, &WriteBack);
        table.AddLast(Mnemonic.Invd, &WriteBack);
        table.Add(Mnemonic.Clflush, &TouchLine);
        table.Add(Mnemonic.Clflushopt, &TouchLine, GuestFeature.ClflushOptimized);
        table.Add(Mnemonic.Clwb, &TouchLine, GuestFeature.ClWriteBack);
    }

    public static Outcome ReadControl(CpuState* state, Uop* uop)
    {
        if (state->Cpl != 0)
        {
            return Faults.GeneralProtectionFault(state);
        }

        ulong value;
        switch (uop->Detail)
        {
            case 0:
                value = state->Cr0;
                break;
            case 2:
                value = state->Cr2;
                break;
            case 3:
                value = state->Cr3;
                break;
            case 4:
                value = state->Cr4;
                break;
            case 8:
                value = VcpuEngine.Of(state).Events.Apic.TaskPriority >> TaskPriorityShift;
                break;
            default:
                return Faults.Undefined(state);
        }

        *(ulong*)((byte*)state + uop->Destination) = state->Mode == CpuMode.Long64 ? value : (uint)value;
        return Outcome.Next;
    }

    public static Outcome WriteControl(CpuState* state, Uop* uop)
    {
        if (state->Cpl != 0)
        {
            return Faults.GeneralProtectionFault(state);
        }

        ulong value = *(ulong*)((byte*)state + uop->Source);
        value = state->Mode == CpuMode.Long64 ? value : (uint)value;
        bool written;
        switch (uop->Detail)
        {
            case 0:
                written = ControlRegisters.TryWriteCr0(state, value);
                break;
            case 2:
                state->Cr2 = value;
                written = true;
                break;
            case 3:
                written = ControlRegisters.TryWriteCr3(state, value);
                break;
            case 4:
                written = ControlRegisters.TryWriteCr4(state, value);
                break;
            case 8:
                written = (value & ~Cr8Defined) == 0;
                if (written)
                {
                    VcpuEngine.Of(state).Events.Apic.TaskPriority = (uint)value << TaskPriorityShift;
                }

                break;
            default:
                return Faults.Undefined(state);
        }

        return written ? Outcome.Next : Faults.GeneralProtectionFault(state);
    }

    private static Outcome ClearTaskSwitched(CpuState* state, Uop* uop)
    {
        if (state->Cpl != 0)
        {
            return Faults.GeneralProtectionFault(state);
        }

        state->Cr0 &= ~ControlBits.Cr0TaskSwitched;
        return Outcome.Next;
    }

    /// <summary>LMSW sets PE, MP, EM and TS; it can set PE but not clear it.</summary>
    private static Outcome LoadMachineStatus(CpuState* state, Uop* uop)
    {
        if (state->Cpl != 0)
        {
            return Faults.GeneralProtectionFault(state);
        }

        if (!GeneralOperand.TryReadDestination(state, uop, sizeBytes: 2, out ulong value))
        {
            return Outcome.NotRetired;
        }

        ulong kept = state->Cr0 & (~MachineStatusWritable | ControlBits.Cr0ProtectionEnable);
        return ControlRegisters.TryWriteCr0(state, kept | (value & MachineStatusWritable))
            ? Outcome.Next
            : Faults.GeneralProtectionFault(state);
    }

    private static Outcome StoreMachineStatus(CpuState* state, Uop* uop)
    {
        if (SystemTables.IsPrevented(state))
        {
            return Faults.GeneralProtectionFault(state);
        }

        int bytes = uop->DestinationKind == OperandKind.Register ? GeneralOperand.Bytes(uop) : 2;
        return GeneralOperand.TryWriteDestination(state, uop, bytes, state->Cr0)
            ? Outcome.Next
            : Outcome.NotRetired;
    }

    /// <summary>There is no cache to write back.</summary>
    private static Outcome WriteBack(CpuState* state, Uop* uop) =>
        state->Cpl == 0 ? Outcome.Next : Faults.GeneralProtectionFault(state);

    /// <summary>A cache line instruction is a read, as far as faults go.</summary>
    private static Outcome TouchLine(CpuState* state, Uop* uop) =>
        MemoryReference.Read(state, uop, sizeBytes: 1) ? Outcome.Next : Outcome.NotRetired;
}
