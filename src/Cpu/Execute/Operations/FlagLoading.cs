// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operations;

// JUSTIFICATION: see CpuState.
// SAFETY: touches only the flags.

/// <summary>Which bits of RFLAGS a POPF or IRET may change, by privilege.</summary>
/// <remarks>Source: Intel SDM vol. 2B, "POPF/POPFD/POPFQ", table 4-16.</remarks>
internal static unsafe class FlagLoading
{
    private const ulong Unprivileged = RFlags.Status | RFlags.Trap | RFlags.Direction | RFlags.NestedTask
        | RFlags.Resume | RFlags.AlignmentCheck | RFlags.Identification;

    public static int IoPrivilege(CpuState* state) =>
        (int)((state->SystemFlags & RFlags.IoPrivilege) >> RFlags.IoPrivilegeShift);

    /// <summary>True if CPL and IOPL mean something: not in real mode.</summary>
    public static bool HasPrivileges(CpuState* state) => (state->Cr0 & ControlBits.Cr0ProtectionEnable) != 0;

    /// <summary>True in virtual-8086 mode with IOPL below 3: PUSHF, POPF, INT n and IRET are #GP.</summary>
    public static bool IsVirtual8086Denied(CpuState* state) =>
        state->Mode == CpuMode.Virtual8086 && IoPrivilege(state) < 3;

    /// <summary>Loads what the privilege may change from an image of 2, 4 or 8 bytes. VM stays as it is.</summary>
    /// <param name="state">The vCPU.</param>
    /// <param name="image">The new flags.</param>
    /// <param name="imageBytes">Its size; a 16-bit image leaves the upper bits alone.</param>
    /// <param name="privilege">CPL of the instruction that loads.</param>
    public static void Load(CpuState* state, ulong image, int imageBytes, int privilege)
    {
        ulong changeable = Unprivileged;
        if (privilege == 0 || !HasPrivileges(state))
        {
            changeable |= RFlags.Interrupt | RFlags.IoPrivilege | RFlags.VirtualInterrupt
                | RFlags.VirtualInterruptPending;
        }
        else if (privilege <= IoPrivilege(state))
        {
            changeable |= RFlags.Interrupt;
        }

        if (imageBytes == 2)
        {
            changeable &= ushort.MaxValue;
        }

        // POPF never sets VIP and VIF; IRET at CPL 0 may, and then they are in the image.
        ulong flags = (LazyFlags.Read(state) & ~changeable) | (image & changeable) | RFlags.AlwaysOne;
        LazyFlags.WriteStatus(state, flags);
        state->SystemFlags = flags & RFlags.Defined & ~RFlags.Status;
        ModeControl.RefreshFlags(state);
    }
}
