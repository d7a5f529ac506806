// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Translate;

// JUSTIFICATION: the size of a structure is asked for, nothing else.
// SAFETY: no pointer is followed here.

/// <summary>Which host register holds what while translated code runs, and where the state's fields are.</summary>
/// <remarks>Nine guest registers live in host registers, also from block to block; R9 to R15 stay in the state. RAX has
/// the flags (see <see cref="FlagWord"/>), and three registers are scratch. The XMM registers are the guest's own from
/// the first instruction on that uses one (see <see cref="SimdSwitch"/>).</remarks>
internal static class HostLayout
{
    /// <summary>The state's address and <see cref="StateBias"/>, so that one byte of displacement reaches what all
    /// code needs.</summary>
    public const HostRegister State = HostRegister.Rbp;

    public const int StateBias = 128;

    public const HostRegister Flags = HostRegister.Rax;
    public const HostRegister Budget = HostRegister.R15;

    /// <summary>Scratch: the linear address of an access, then its host address. Has CL for shifts.</summary>
    public const HostRegister Address = HostRegister.Rcx;

    /// <summary>Scratch: a guest register that lives in the state.</summary>
    public const HostRegister Value = HostRegister.Rdx;

    /// <summary>Scratch.</summary>
    public const HostRegister Third = HostRegister.R14;

    // Offsets as in CpuState; a test compares.
    public const int RipOffset = 136;
    public const int BudgetOffset = 168;
    public const int ActiveTlbOffset = 184;
    public const int ActiveWriteTlbOffset = 248;
    public const int ReturnTopOffset = 208;
    public const int JumpEpochOffset = 216;
    public const int JumpTagOffset = 1904;
    public const int MissedCacheOffset = 1912;
    public const int SegmentsOffset = 312;
    public const int FlagWordOffset = 1848;
    public const int SlowAddressOffset = 1856;
    public const int KeptOffset = 1872;
    public const int HasSimdLoadedOffset = 1880;
    public const int HostMxcsrOffset = 1884;
    public const int Cr0Offset = 536;
    public const int Cr4Offset = 560;
    public const int SystemFlagsOffset = 192;
    public const int PrivilegeOffset = 224;
    public const int MxcsrOffset = FxSaveOffset + 24;

    private const int FxSaveOffset = 1280;
    private const int XmmFileOffset = FxSaveOffset + 160;
    private const int XmmBytes = 16;

    private const int GprBytes = 8;

    private static readonly HostRegister[] s_pinned =
    [
        HostRegister.Rbx, HostRegister.Rsi, HostRegister.Rdi, HostRegister.R8, HostRegister.R9,
        HostRegister.R10, HostRegister.R11, HostRegister.R12, HostRegister.R13,
    ];

    public static ReadOnlySpan<HostRegister> Pinned => s_pinned;

    /// <summary>Number of the guest register that a name is a part of.</summary>
    public static int NumberOf(Register guest) => guest is >= Register.AH and <= Register.BH
        ? guest - Register.AH
        : guest.GetFullRegister() - Register.RAX;

    /// <summary>True for a register that lives in the host register <see cref="PinnedOf"/>.</summary>
    public static bool IsPinned(Register guest) => NumberOf(guest) < s_pinned.Length;

    public static HostRegister PinnedOf(Register guest) => s_pinned[NumberOf(guest)];

    /// <summary>AH, CH, DH and BH.</summary>
    public static bool IsHighByte(Register guest) => guest is >= Register.AH and <= Register.BH;

    /// <summary>True if instructions can name the host register as they name the guest's.</summary>
    public static bool IsDirect(Register guest) => IsPinned(guest) && !IsHighByte(guest);

    /// <summary>Where a register that is not pinned lives.</summary>
    public static HostOperand SlotOf(Register guest) => SlotOf(NumberOf(guest));

    public static HostOperand SlotOf(int number) => Field(number * GprBytes);

    /// <summary>What is in the state at an offset, and at a distance behind it that a register says.</summary>
    public static HostOperand Field(int offset, HostRegister? index = null) => new(State, offset - StateBias, index);

    /// <summary>Where an XMM register of the guest is while the host's does not hold it.</summary>
    public static HostOperand XmmSlot(int number) => Field(XmmFileOffset + (number * XmmBytes));

    public static unsafe HostOperand SegmentBase(SegmentName name) =>
        Field(SegmentsOffset + ((int)name * sizeof(SegmentCache)));
}
