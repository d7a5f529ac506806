// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Fpu;

// JUSTIFICATION: see CpuState.
// SAFETY: the image has 512 bytes; memory is reached through FpuBlock.

/// <summary>FXSAVE and FXRSTOR.</summary>
/// <remarks>Source: Intel SDM vol. 1, section 10.5; vol. 2, "FXSAVE", "FXRSTOR".</remarks>
internal static unsafe class FxSaveOperations
{
    private const int XmmOffset = 160;
    private const ulong Alignment = 15;
    private const int PieceBytes = 8;

    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Fxsave, &Save, GuestFeature.Fxsr);
        table.Add(Mnemonic.Fxsave64, &SaveLong, GuestFeature.Fxsr);
        table.Add(Mnemonic.Fxrstor, &Restore, GuestFeature.Fxsr);
        table.Add(Mnemonic.Fxrstor64, &RestoreLong, GuestFeature.Fxsr);
    }

    private static Outcome Save(CpuState* state, Uop* uop) => Save(state, uop, isLong: false);

    private static Outcome SaveLong(CpuState* state, Uop* uop) => Save(state, uop, isLong: true);

    private static Outcome Restore(CpuState* state, Uop* uop) => Restore(state, uop, isLong: false);

    private static Outcome RestoreLong(CpuState* state, Uop* uop) => Restore(state, uop, isLong: true);

    private static Outcome Save(CpuState* state, Uop* uop, bool isLong)
    {
        if (!FpuAvailability.IsThere(state) || !TryResolve(state, uop, AccessKind.Write, out ulong linear))
        {
            return Outcome.NotRetired;
        }

        Span<byte> image = stackalloc byte[XmmOffset + XmmBytes(state)];
        FxSaveLayout.WriteX87(state, image, isLong);
        FxSaveLayout.WriteMxcsr(state, image);
        new ReadOnlySpan<byte>(CpuState.FxSave(state) + XmmOffset, XmmBytes(state)).CopyTo(image[XmmOffset..]);
        return FpuBlock.CanWrite(state, uop, linear, PieceBytes, CpuState.FxSaveBytes)
            && FpuBlock.TryWrite(state, uop, linear, PieceBytes, image)
                ? Outcome.Next
                : Outcome.NotRetired;
    }

    private static Outcome Restore(CpuState* state, Uop* uop, bool isLong)
    {
        Span<byte> image = stackalloc byte[XmmOffset + XmmBytes(state)];
        if (!FpuAvailability.IsThere(state)
            || !TryResolve(state, uop, AccessKind.Read, out ulong linear)
            || !FpuBlock.TryRead(state, uop, linear, PieceBytes, image))
        {
            return Outcome.NotRetired;
        }

        if (!FxSaveLayout.TryReadMxcsr(state, image))
        {
            return Faults.GeneralProtectionFault(state);
        }

        FxSaveLayout.ReadX87(state, image, isLong);
        image[XmmOffset..].CopyTo(new Span<byte>(CpuState.FxSave(state) + XmmOffset, XmmBytes(state)));
        return Outcome.Next;
    }

    /// <summary>The XMM registers are part of the image only if CR4.OSFXSR is set; there are 16 in 64-bit
    /// mode.</summary>
    private static int XmmBytes(CpuState* state) =>
        (state->Cr4 & ControlBits.Cr4FxSave) == 0 ? 0 : XsaveArea.XmmBytes(state);

    private static bool TryResolve(CpuState* state, Uop* uop, AccessKind access, out ulong linear)
    {
        if (!FpuBlock.TryResolve(state, uop, CpuState.FxSaveBytes, access, out linear))
        {
            return false;
        }

        if ((linear & Alignment) == 0)
        {
            return true;
        }

        Faults.GeneralProtectionFault(state);
        return false;
    }
}
