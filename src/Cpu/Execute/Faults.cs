// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Decode;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute;

// JUSTIFICATION: see CpuState.
// SAFETY: writes only the fault fields of the state.

/// <summary>Records a guest exception. It is data, never a .NET exception; the runner delivers it.</summary>
/// <remarks>Source: Intel SDM vol. 3A, section 7.15 "Exception and Interrupt Reference".</remarks>
internal static unsafe class Faults
{
    public const byte DivideError = 0;
    public const byte Debug = 1;
    public const byte NonMaskable = 2;
    public const byte Breakpoint = 3;
    public const byte OverflowTrap = 4;
    public const byte BoundRange = 5;
    public const byte InvalidOpcode = 6;
    public const byte DeviceNotAvailable = 7;
    public const byte DoubleFault = 8;
    public const byte InvalidTss = 10;
    public const byte SegmentNotPresent = 11;
    public const byte StackFault = 12;
    public const byte GeneralProtection = 13;
    public const byte PageFault = 14;
    public const byte MathFault = 16;
    public const byte AlignmentCheck = 17;
    public const byte SimdException = 19;

    /// <summary>Records a fault without error code.</summary>
    public static void Record(CpuState* state, byte vector)
    {
        state->Fault.Vector = vector;
        state->Fault.HasErrorCode = false;
        state->Fault.ErrorCode = 0;
    }

    public static void Record(CpuState* state, byte vector, uint errorCode)
    {
        state->Fault.Vector = vector;
        state->Fault.HasErrorCode = true;
        state->Fault.ErrorCode = errorCode;
    }

    /// <summary>Records a fault without error code and ends the instruction.</summary>
    public static Outcome Raise(CpuState* state, byte vector)
    {
        Record(state, vector);
        return Raised(state);
    }

    public static Outcome Raise(CpuState* state, byte vector, uint errorCode)
    {
        Record(state, vector, errorCode);
        return Raised(state);
    }

    /// <summary>Ends the instruction with the fault that is already recorded.</summary>
    public static Outcome Raised(CpuState* state)
    {
        state->Exit = ExitReason.Fault;
        return Outcome.NotRetired;
    }

    /// <summary>#GP(0).</summary>
    public static Outcome GeneralProtectionFault(CpuState* state) => Raise(state, GeneralProtection, errorCode: 0);

    /// <summary>#UD, which is a VM exit: the hypervisor decides whether the guest gets it.</summary>
    public static Outcome Undefined(CpuState* state)
    {
        state->Exit = ExitReason.InvalidOpcode;
        return Outcome.NotRetired;
    }
}
