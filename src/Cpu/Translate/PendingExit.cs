// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Translate;

// JUSTIFICATION: see HostAssembler.
// SAFETY: lives while its block is translated.

/// <summary>An exit whose stub and record are still to be written: see <see cref="ExitRecord"/>.</summary>
internal unsafe struct PendingExit
{
    public byte* Jump;
    public ExitKind Kind;
    public int Index;
    public ulong Target;
    public int AccessBytes;

    /// <summary>Step: what the linear address is formed of, or null if <see cref="HostLayout.Address"/> has it.
    /// </summary>
    public HostOperand? Linear;
    public bool IsChosen;

    /// <summary>Step: the host's XMM registers are the guest's.</summary>
    public bool HasSimd;

    /// <summary>Step: only if the host's XMM registers cannot be made the guest's.</summary>
    public bool IsSimdSwitch;

    /// <summary>Leave: what is given back to the budget.</summary>
    public int Refund;

    /// <summary>Leave: the inline cache of the jump, or null if there is none.</summary>
    public byte* Cache;

    /// <summary>Where the jump that has it begins.</summary>
    public byte* Retry;

    /// <summary>Step: bytes that RSP moves where this is a RET, else 0.</summary>
    public int ReturnBytes;

    /// <summary>Another jump that leads to the stub, or null.</summary>
    public byte* OtherJump;
}
