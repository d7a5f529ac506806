// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Execute.Protection;

/// <summary>What a far RET or IRET has read from the stack.</summary>
/// <param name="SlotBytes">Size of one element on the stack.</param>
/// <param name="PoppedBytes">Size of all elements that were read.</param>
/// <param name="ReleasedBytes">RET's immediate: parameters to drop, from both stacks.</param>
internal readonly record struct ReturnFrame(
    ushort Selector, ulong Rip, int SlotBytes, int PoppedBytes, int ReleasedBytes);
