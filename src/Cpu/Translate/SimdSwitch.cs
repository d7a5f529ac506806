// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Translate;

// JUSTIFICATION: see HostAssembler.
// SAFETY: writes into memory that whoever set the position has reserved.

/// <summary>Host code that gives the host's XMM registers and MXCSR to the guest, and back.</summary>
/// <remarks>They are the guest's from the first instruction that uses them until host code is left. An instruction that
/// would fault, because of CR0, CR4 or an exception that MXCSR does not mask, is left to the interpreter.</remarks>
internal static unsafe class SimdSwitch
{
    private const int RegisterCount = 16;
    private const int MaskedExceptions = 0x1F80;

    /// <summary>With one of them LDMXCSR would fault in the host.</summary>
    private const int ReservedBits = unchecked((int)0xFFFF_0000);

    private const int LoadMxcsr = 2;
    private const int StoreMxcsr = 3;
    private static readonly HostOperand s_isLoaded = HostLayout.Field(HostLayout.HasSimdLoadedOffset);

    /// <summary>Comes from an exit: goes on at the target of its record, or out by it. The address scratch register
    /// and the host's flags change.</summary>
    public static void WriteWayIn(HostAssembler code, byte* wayOut)
    {
        Test(code, HostLayout.Cr0Offset, (int)(ControlBits.Cr0Emulation | ControlBits.Cr0TaskSwitched));
        HostAssembler.SetTarget(code.JumpIf(HostCondition.NotZero), wayOut);
        Test(code, HostLayout.Cr4Offset, (int)ControlBits.Cr4FxSave);
        HostAssembler.SetTarget(code.JumpIf(HostCondition.Zero), wayOut);
        code.Memory(HostOpcode.MoveFromRm, 4, HostLayout.Address, HostLayout.Field(HostLayout.MxcsrOffset));
        code.Arithmetic(HostOpcode.And, 4, HostLayout.Address, MaskedExceptions | ReservedBits);
        code.Arithmetic(HostOpcode.Compare, 4, HostLayout.Address, MaskedExceptions);
        HostAssembler.SetTarget(code.JumpIf(HostCondition.NotZero), wayOut);
        Mxcsr(code, StoreMxcsr, HostLayout.HostMxcsrOffset);
        Mxcsr(code, LoadMxcsr, HostLayout.MxcsrOffset);
        for (int number = 0; number < RegisterCount; number++)
        {
            code.Memory(HostOpcode.MoveToXmm, 4, (HostRegister)number, HostLayout.XmmSlot(number));
        }

        SetLoaded(code, 1);
        code.Load(HostLayout.Address, new HostOperand(HostLayout.Value, ExitRecord.TargetOffset));
        code.JumpTo(HostLayout.Address);
    }

    /// <summary>Part of the way out of host code. The host's flags change.</summary>
    public static void WriteWayOut(HostAssembler code)
    {
        IsLoaded(code);
        byte* skip = code.JumpIf(HostCondition.Zero);
        for (int number = 0; number < RegisterCount; number++)
        {
            code.Memory(HostOpcode.MoveFromXmm, 4, (HostRegister)number, HostLayout.XmmSlot(number));
        }

        Mxcsr(code, StoreMxcsr, HostLayout.MxcsrOffset);
        Mxcsr(code, LoadMxcsr, HostLayout.HostMxcsrOffset);
        SetLoaded(code, 0);
        HostAssembler.SetTarget(skip, code.Position);
    }

    /// <summary>ZF says that the host does not have them.</summary>
    public static void IsLoaded(HostAssembler code) => code.Arithmetic(HostOpcode.Compare, 4, s_isLoaded, 0);

    private static void SetLoaded(HostAssembler code, int value)
    {
        code.Memory(HostOpcode.MoveImmediate, 4, 0, s_isLoaded);
        code.Immediate(4, value);
    }

    private static void Test(HostAssembler code, int offset, int bits)
    {
        code.Memory(HostOpcode.Unary, 4, 0, HostLayout.Field(offset));
        code.Immediate(4, bits);
    }

    private static void Mxcsr(HostAssembler code, int direction, int offset) =>
        code.Memory(HostOpcode.MxcsrGroup, 4, (HostRegister)direction, HostLayout.Field(offset));
}
