// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Decode;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Translate;

// JUSTIFICATION: see HostAssembler.
// SAFETY: offsets inside the state and inside a block; the entry's index is masked as in JumpCache.

/// <summary>Host code that asks the <see cref="JumpCache"/> for the host code of a target in 64-bit mode.</summary>
/// <remarks>There the base of CS counts as 0 and no limit is compared.</remarks>
internal static unsafe class JumpLookUp
{
    private const int TagOffset = 0;
    private const int BlockOffset = 8;

    private static readonly int s_ripOffset = FindRip();
    private static readonly int s_hostCodeOffset = FindHostCode();

    /// <summary>For a target in <see cref="HostLayout.Address"/>, which stays: leaves its host code in
    /// <see cref="HostLayout.Value"/>, or host code before this instruction.</summary>
    public static void Find(BlockTranslation translation)
    {
        // x = target ^ (target >> 9) has the entry's number in its bits 8:0 and 15:12.
        HostAssembler code = translation.Code;
        const HostRegister Index = HostLayout.Third;
        const HostRegister Low = HostLayout.Value;
        code.Move(Low, HostLayout.Address);
        code.Shift(HostOpcode.ShiftRight, 8, Low, JumpCache.SlotBits);
        code.Registers(HostOpcode.FromRm(HostOpcode.Xor), 8, Low, HostLayout.Address);
        code.Registers(HostOpcode.MoveFromRm, 4, Index, Low);
        code.Arithmetic(HostOpcode.And, 4, Low, JumpCache.SlotsInPage - 1);
        code.Shift(HostOpcode.ShiftRight, 4, Index, JumpCache.PageShift - JumpCache.SlotBits);
        code.Arithmetic(HostOpcode.And, 4, Index, (JumpCache.PageSlots - 1) * JumpCache.SlotsInPage);
        code.Registers(HostOpcode.FromRm(HostOpcode.Or), 4, Index, Low);
        code.Shift(HostOpcode.ShiftLeft, 4, Index, 4);
        Compare(translation, Index, CpuState.JumpCacheOffset);
    }

    /// <summary>As <see cref="Find(BlockTranslation)"/>, for a target that is known.</summary>
    public static void Find(BlockTranslation translation, ulong target)
    {
        translation.Code.Constant(HostLayout.Address, target);
        Compare(translation, index: null, CpuState.JumpCacheOffset + JumpCache.OffsetOf(target));
    }

    private static int FindRip()
    {
        Block block = default;
        return (int)((byte*)&block.Rip - (byte*)&block);
    }

    private static int FindHostCode()
    {
        Block block = default;
        return (int)((byte*)&block.HostCode - (byte*)&block);
    }

    private static void Compare(BlockTranslation translation, HostRegister? index, int displacement)
    {
        HostAssembler code = translation.Code;
        int compare = HostOpcode.FromRm(HostOpcode.Compare);
        HostOperand tag = HostLayout.Field(displacement + TagOffset, index);
        HostOperand block = HostLayout.Field(displacement + BlockOffset, index);
        code.Load(HostLayout.Value, HostLayout.Field(HostLayout.JumpTagOffset));
        code.Registers(HostOpcode.FromRm(HostOpcode.Xor), 8, HostLayout.Value, HostLayout.Address);
        code.Memory(compare, 8, HostLayout.Value, tag);
        translation.Step(code.JumpIf(HostCondition.NotZero));
        code.Load(HostLayout.Value, block);
        code.Memory(compare, 8, HostLayout.Address, new HostOperand(HostLayout.Value, s_ripOffset));
        translation.Step(code.JumpIf(HostCondition.NotZero));
        code.Load(HostLayout.Value, new HostOperand(HostLayout.Value, s_hostCodeOffset));
        code.Registers(HostOpcode.Test, 8, HostLayout.Value, HostLayout.Value);
        translation.Step(code.JumpIf(HostCondition.Zero));
        translation.HostFlags = StatusFlags.None;
    }
}
