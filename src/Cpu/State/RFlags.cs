// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.State;

/// <summary>The bits of RFLAGS.</summary>
/// <remarks>Source: Intel SDM vol. 1, section 3.4.3 "EFLAGS Register".</remarks>
internal static class RFlags
{
    public const ulong Carry = 1ul << 0;
    public const ulong AlwaysOne = 1ul << 1;
    public const ulong Parity = 1ul << 2;
    public const ulong Auxiliary = 1ul << 4;
    public const ulong Zero = 1ul << 6;
    public const ulong Sign = 1ul << 7;
    public const ulong Trap = 1ul << 8;
    public const ulong Interrupt = 1ul << 9;
    public const ulong Direction = 1ul << 10;
    public const ulong Overflow = 1ul << 11;
    public const ulong IoPrivilege = 3ul << 12;
    public const int IoPrivilegeShift = 12;
    public const ulong NestedTask = 1ul << 14;
    public const ulong Resume = 1ul << 16;
    public const ulong Virtual8086 = 1ul << 17;
    public const ulong AlignmentCheck = 1ul << 18;
    public const ulong VirtualInterrupt = 1ul << 19;
    public const ulong VirtualInterruptPending = 1ul << 20;
    public const ulong Identification = 1ul << 21;

    /// <summary>The six flags that arithmetic sets, which the engine keeps in its lazy form.</summary>
    public const ulong Status = Carry | Parity | Auxiliary | Zero | Sign | Overflow;

    /// <summary>Every bit that can be set; the others read as 0.</summary>
    public const ulong Defined = Status | AlwaysOne | Trap | Interrupt | Direction | IoPrivilege | NestedTask | Resume
        | Virtual8086 | AlignmentCheck | VirtualInterrupt | VirtualInterruptPending | Identification;
}
