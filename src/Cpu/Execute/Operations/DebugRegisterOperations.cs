// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Decode;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operations;

// JUSTIFICATION: see CpuState.
// SAFETY: slots are 0 to 5.

/// <summary>MOV to and from debug registers. What they do: <see cref="Breakpoints"/>.</summary>
/// <remarks>Source: Intel SDM vol. 2B, "MOV—Move to/from Debug Registers"; vol. 3A, section 19.2 "Debug Registers".
/// </remarks>
internal static unsafe class DebugRegisterOperations
{
    private const int StatusSlot = 4;
    private const int ControlSlot = 5;
    private const ulong GeneralDetect = 1ul << 13;
    private const ulong StatusAccess = 1ul << 13;
    private const ulong StatusFixedOnes = 0xFFFF_0FF0;
    private const ulong StatusWritable = 0xE00F;
    private const ulong ControlFixedOnes = 0x400;
    private const ulong ControlWritable = 0xFFFF_23FF;

    public static Outcome Read(CpuState* state, Uop* uop)
    {
        int slot = SlotOf(state, uop->Detail);
        if (Refuses(state, slot) is { } refusal)
        {
            return refusal;
        }

        ulong value = *CpuState.DebugRegister(state, slot);
        *(ulong*)((byte*)state + uop->Destination) = state->Mode == CpuMode.Long64 ? value : (uint)value;
        return Outcome.Next;
    }

    public static Outcome Write(CpuState* state, Uop* uop)
    {
        int slot = SlotOf(state, uop->Detail);
        if (Refuses(state, slot) is { } refusal)
        {
            return refusal;
        }

        ulong value = *(ulong*)((byte*)state + uop->Source);
        value = state->Mode == CpuMode.Long64 ? value : (uint)value;
        if (slot >= StatusSlot && value > uint.MaxValue)
        {
            return Faults.GeneralProtectionFault(state);
        }

        *CpuState.DebugRegister(state, slot) = slot switch
        {
            StatusSlot => (value & StatusWritable) | StatusFixedOnes,
            ControlSlot => (value & ControlWritable) | ControlFixedOnes,
            _ => value,
        };
        ModeControl.RefreshFlags(state);
        return Outcome.Next;
    }

    private static Outcome? Refuses(CpuState* state, int slot)
    {
        if (slot < 0)
        {
            return Faults.Undefined(state);
        }

        if (state->Cpl != 0)
        {
            return Faults.GeneralProtectionFault(state);
        }

        if ((*CpuState.DebugRegister(state, ControlSlot) & GeneralDetect) == 0)
        {
            return null;
        }

        *CpuState.DebugRegister(state, StatusSlot) |= StatusAccess;
        return Faults.Raise(state, Faults.Debug);
    }

    /// <summary>DR4 and DR5 are DR6 and DR7, or do not exist if CR4.DE is set.</summary>
    private static int SlotOf(CpuState* state, int number)
    {
        bool hasAliases = (state->Cr4 & ControlBits.Cr4DebuggingExtensions) == 0;
        return number switch
        {
            <= 3 => number,
            4 or 5 => hasAliases ? number : -1,
            6 or 7 => number - 2,
            _ => -1,
        };
    }
}
