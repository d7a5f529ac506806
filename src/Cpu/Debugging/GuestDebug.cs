// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Cpu.Debugging;

/// <summary>Where a debugger outside of the guest wants it to stop. As KVM_SET_GUEST_DEBUG, but without a limit to the
/// number.</summary>
/// <remarks>The guest cannot tell: its debug registers, its memory and its instruction count have no part in it.
/// </remarks>
/// <param name="Breakpoints">Linear addresses of instructions, before which to stop.</param>
/// <param name="Watchpoints">Data, to stop behind an instruction that accesses it. What the processor accesses by
/// itself (page tables, descriptors, the frame of an exception) and what devices write does not count, as with the
/// debug registers.</param>
public sealed record GuestDebug(ImmutableArray<Gva> Breakpoints, ImmutableArray<Watchpoint> Watchpoints)
{
    public static GuestDebug None { get; } = new([], []);

    public bool IsNone => Breakpoints.IsEmpty && Watchpoints.IsEmpty;
}
