// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;

namespace KvmActors.Cpu.Translate;

// JUSTIFICATION: see HostAssembler.
// SAFETY: see BlockTranslation.

/// <summary>Host code that moves flags between the host's and RAX: see <see cref="FlagWord"/>.</summary>
internal static class FlagCode
{
    private const int LahfByte = 0x9F;
    private const int SahfByte = 0x9E;
    private const int CarryInAh = 1;
    private const int ZeroInAh = 1 << 6;
    private const int SignInAh = 1 << 7;
    private const int ParityInAh = 1 << 2;
    private const HostRegister Flags = HostLayout.Flags;

    /// <summary>Behind an instruction that has left all six flags in the host's as the guest has them.</summary>
    public static void KeepAll(BlockTranslation translation)
    {
        if (translation.Needed != StatusFlags.None)
        {
            Lahf(translation.Code);
            translation.Code.Set(HostCondition.Overflow, Flags);
        }

        translation.HostFlags = StatusFlags.All;
    }

    /// <summary>Behind an instruction that has left the host's flags as the guest has them, but for AF and OF, which
    /// are to be 0.</summary>
    /// <param name="translation">The block.</param>
    /// <param name="inHost">Those of the host's flags that are right.</param>
    public static void KeepWithoutOverflow(BlockTranslation translation, StatusFlags inHost)
    {
        if (translation.Needed != StatusFlags.None)
        {
            Lahf(translation.Code, FlagWord.NoAuxiliary);
        }

        translation.HostFlags = inHost;
    }

    /// <summary>Makes the host's CF the guest's.</summary>
    public static void LoadCarry(BlockTranslation translation)
    {
        if ((translation.HostFlags & StatusFlags.Carry) == 0)
        {
            translation.Code.BitTest(4, Flags, FlagWord.CarryBit);
        }
    }

    /// <summary>Makes AF in RAX say what it is, so that the rest of AL can be written.</summary>
    public static void SettleAuxiliary(BlockTranslation translation)
    {
        // TEST AL, AL; JNS over; AND EAX, ~AF.
        HostAssembler code = translation.Code;
        code.Registers(HostOpcode.Test, 1, Flags, Flags);
        unsafe
        {
            byte* over = code.JumpIf(HostCondition.NotSign);
            ClearAuxiliary(code);
            HostAssembler.SetTarget(over, code.Position);
        }

        translation.HostFlags = StatusFlags.None;
    }

    /// <summary>CLC, STC or CMC.</summary>
    public static void ChangeCarry(HostAssembler code, Mnemonic instruction)
    {
        // AND, OR or XOR of AH.
        const int GroupOfBytes = 0x80;
        const int AndAh = 0xE4;
        const int OrAh = 0xCC;
        const int XorAh = 0xF4;
        code.Byte(GroupOfBytes);
        code.Byte(instruction switch
        {
            Mnemonic.Clc => AndAh,
            Mnemonic.Stc => OrAh,
            _ => XorAh,
        });
        code.Byte(instruction == Mnemonic.Clc ? ~CarryInAh : CarryInAh);
    }

    /// <summary>The status flags in the places they have in RFLAGS. The host's flags change.</summary>
    public static unsafe void FormStatus(HostAssembler code, HostRegister to, HostRegister scratch)
    {
        const int LahfFlags = 0xD5;
        const int Auxiliary = 0x10;
        const int FromLahf = 8;
        const int OverflowShift = 11;
        code.Registers(HostOpcode.MoveFromRm, 4, to, Flags);
        code.Shift(HostOpcode.ShiftRight, 4, to, FromLahf);
        code.Arithmetic(HostOpcode.And, 4, to, LahfFlags);
        code.Registers(HostOpcode.Test, 1, Flags, Flags);
        byte* over = code.JumpIf(HostCondition.NotSign);
        code.Arithmetic(HostOpcode.And, 4, to, ~Auxiliary);
        HostAssembler.SetTarget(over, code.Position);
        code.Registers(HostOpcode.MoveFromRm, 4, scratch, Flags);
        code.Arithmetic(HostOpcode.And, 4, scratch, 1);
        code.Shift(HostOpcode.ShiftLeft, 4, scratch, OverflowShift);
        code.Registers(HostOpcode.FromRm(HostOpcode.Or), 4, to, scratch);
    }

    public static void ClearAuxiliary(HostAssembler code) =>
        code.Arithmetic(HostOpcode.And, 4, Flags, ~(1 << FlagWord.AuxiliaryBit));

    /// <summary>AH becomes the host's flags but OF, AL a constant.</summary>
    /// <remarks>All of EAX is written first: LAHF alone would wait for what RAX was before, and so each instruction
    /// that sets flags for the one before it.</remarks>
    public static void Lahf(HostAssembler code, int low = 0)
    {
        code.Constant(Flags, (ulong)low);
        code.Byte(LahfByte);
    }

    public static void MoveToAl(HostAssembler code, int value)
    {
        code.Byte(0xB0);
        code.Byte(value);
    }

    /// <summary>CF in RAX becomes a register's low byte, which is 0 or 1.</summary>
    public static void SetCarryFromCl(HostAssembler code)
    {
        // AND AH, ~CF; OR AH, CL.
        code.Byte(0x80);
        code.Byte(0xE4);
        code.Byte(~CarryInAh);
        OrAhCl(code);
    }

    public static void OrAhCl(HostAssembler code)
    {
        code.Byte(0x08);
        code.Byte(0xCC);
    }

    /// <summary>Makes the host's flags such that the code returned holds where the guest's condition does.</summary>
    /// <remarks><see cref="HostLayout.Address"/> may change.</remarks>
    public static int Condition(BlockTranslation translation, ConditionCode condition)
    {
        int native = condition - ConditionCode.o;
        StatusFlags read = FlagLiveness.ReadBy(condition);
        if ((translation.HostFlags & read) == read)
        {
            return native;
        }

        translation.HostFlags = StatusFlags.None;
        HostAssembler code = translation.Code;
        int isNegated = native & 1;
        switch (native & ~1)
        {
            case HostCondition.Carry:
                code.BitTest(4, Flags, FlagWord.CarryBit);
                return native;
            case HostCondition.Overflow:
                // TEST AL, 1
                code.Byte(0xA8);
                code.Byte(1);
                return HostCondition.NotZero ^ isNegated;
            case HostCondition.Zero:
                return TestAh(code, ZeroInAh, isNegated);
            case HostCondition.BelowOrEqual:
                return TestAh(code, ZeroInAh | CarryInAh, isNegated);
            case HostCondition.Sign:
                return TestAh(code, SignInAh, isNegated);
            case HostCondition.Parity:
                return TestAh(code, ParityInAh, isNegated);
            default:
                LoadAll(code);
                return native;
        }
    }

    private static int TestAh(HostAssembler code, int bits, int isNegated)
    {
        code.Byte(0xF6);
        code.Byte(0xC4);
        code.Byte(bits);
        return HostCondition.NotZero ^ isNegated;
    }

    // OF, bit 0 of AL, by an addition that overflows from 1 on; the others by SAHF, which leaves OF alone.
    private static void LoadAll(HostAssembler code)
    {
        code.Registers(HostOpcode.MoveFromRm, 4, HostLayout.Address, Flags);
        code.Arithmetic(HostOpcode.Add, 1, HostLayout.Address, sbyte.MaxValue);
        code.Byte(SahfByte);
    }
}
