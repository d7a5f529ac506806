// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Fpu;

// JUSTIFICATION: see CpuState.
// SAFETY: see FpuImage; memory is reached through MemoryReference.

/// <summary>Control and status words, FNINIT, FNCLEX, WAIT.</summary>
/// <remarks>Control instructions do not change the last instruction's address. Source: Intel SDM vol. 1, section 8.1;
/// vol. 2, "FINIT/FNINIT", "FCLEX/FNCLEX", "FLDCW", "FSTCW/FNSTCW", "FSTSW/FNSTSW", "WAIT/FWAIT". FENI, FDISI and
/// FSETPM of older coprocessors do nothing.</remarks>
internal static unsafe class FpuControlOperations
{
    private const ushort Cleared = FpuStatus.Exceptions | FpuStatus.StackFault | FpuStatus.ErrorSummary
        | FpuStatus.Busy;

    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Fninit, &Initialize);
        table.Add(Mnemonic.Fnclex, &ClearExceptions);
        table.Add(Mnemonic.Fldcw, &LoadControl);
        table.Add(Mnemonic.Fnstcw, &StoreControl);
        table.Add(Mnemonic.Fnstsw, &StoreStatus);
        table.Add(Mnemonic.Fneni, &Nothing);
        table.Add(Mnemonic.Fndisi, &Nothing);
        table.Add(Mnemonic.Fnsetpm, &Nothing);
        table.Add(Mnemonic.Wait, &Wait);
    }

    private static Outcome Initialize(CpuState* state, Uop* uop)
    {
        if (!FpuAvailability.IsThere(state))
        {
            return Outcome.NotRetired;
        }

        FpuImage.Initialize(state);
        return Outcome.Next;
    }

    private static Outcome ClearExceptions(CpuState* state, Uop* uop)
    {
        if (!FpuAvailability.IsThere(state))
        {
            return Outcome.NotRetired;
        }

        FpuImage.Status(state) &= unchecked((ushort)~Cleared);
        return Outcome.Next;
    }

    private static Outcome LoadControl(CpuState* state, Uop* uop)
    {
        if (!FpuAvailability.MayWait(state) || !MemoryReference.Read(state, uop, sizeBytes: 2))
        {
            return Outcome.NotRetired;
        }

        FpuImage.SetControl(state, (ushort)state->Loaded);
        return Outcome.Next;
    }

    private static Outcome StoreControl(CpuState* state, Uop* uop) => Store(state, uop, FpuImage.Control(state));

    private static Outcome StoreStatus(CpuState* state, Uop* uop) => Store(state, uop, FpuImage.Status(state));

    private static Outcome Store(CpuState* state, Uop* uop, ushort value) =>
        FpuAvailability.IsThere(state) && GeneralOperand.TryWriteDestination(state, uop, sizeBytes: 2, value)
            ? Outcome.Next
            : Outcome.NotRetired;

    private static Outcome Nothing(CpuState* state, Uop* uop) =>
        FpuAvailability.IsThere(state) ? Outcome.Next : Outcome.NotRetired;

    private static Outcome Wait(CpuState* state, Uop* uop)
    {
        const ulong Both = ControlBits.Cr0MonitorCoprocessor | ControlBits.Cr0TaskSwitched;
        if ((state->Cr0 & Both) == Both)
        {
            return Faults.Raise(state, Faults.DeviceNotAvailable);
        }

        return FpuAvailability.HasPending(state) ? Outcome.NotRetired : Outcome.Next;
    }
}
