// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.Execute.Operations;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Protection;

// JUSTIFICATION: see CpuState.
// SAFETY: guest memory is reached through StackAccess only.

/// <summary>IRET into virtual-8086 mode.</summary>
/// <remarks>Source: Intel SDM vol. 2A, "IRET", RETURN-TO-VIRTUAL-8086-MODE; vol. 3A, section 22.2.5.</remarks>
internal static unsafe class Virtual8086Entry
{
    private const int SlotBytes = 4;
    private const int FirstSlot = 3;
    private const int SlotCount = 6;
    private const int SegmentShift = 4;

    // Present, DPL 3, writable data, accessed.
    private const uint Attributes = 0xF3;

    /// <summary>Pops ESP, SS, ES, DS, FS and GS, and enters; false with the fault raised.</summary>
    public static bool TryEnter(CpuState* state, ushort codeSelector, ulong rip, ulong flags)
    {
        ulong* popped = stackalloc ulong[SlotCount];
        for (int index = 0; index < SlotCount; index++)
        {
            int offset = (FirstSlot + index) * SlotBytes;
            if (!StackAccess.TryPeek(state, offset, SlotBytes, out popped[index]))
            {
                return false;
            }
        }

        // Loaded at CPL 0, before VM is set.
        FlagLoading.Load(state, flags, SlotBytes, privilege: 0);
        state->SystemFlags |= RFlags.Virtual8086;
        state->Rsp = popped[0];
        state->Rip = (ushort)rip;
        Set(state, SegmentName.Cs, codeSelector);
        Set(state, SegmentName.Ss, (ushort)popped[1]);
        Set(state, SegmentName.Es, (ushort)popped[2]);
        Set(state, SegmentName.Ds, (ushort)popped[3]);
        Set(state, SegmentName.Fs, (ushort)popped[4]);
        Set(state, SegmentName.Gs, (ushort)popped[5]);
        state->Cpl = 3;
        ModeControl.Refresh(state);
        return true;
    }

    private static void Set(CpuState* state, SegmentName name, ushort selector) =>
        *CpuState.Segment(state, name) = new SegmentCache
        {
            Selector = selector,
            Base = (ulong)selector << SegmentShift,
            Limit = ushort.MaxValue,
            Attributes = Attributes,
        };
}
