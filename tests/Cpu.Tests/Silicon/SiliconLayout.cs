// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Tests.Silicon;

/// <summary>One block of memory, at the same linear address on the host and in the guest, so that both execute the same
/// bytes on the same addresses.</summary>
internal static class SiliconLayout
{
    // As much as a 16-bit segment holds.
    public const int SizeBytes = 0x10000;

    // Host only: the code around the instruction, and what it loads and stores.
    public const int Entry = 0;
    public const int Return = 0x200;
    public const int Entry32 = 0x400;
    public const int Start32 = 0x500;
    public const int Return32 = 0x600;
    public const int Leave = 0x700;
    public const int Entry16 = 0x800;
    public const int Start16 = 0x900;
    public const int Return16 = 0xA00;
    public const int State = 0x1000;

    // Two pages: an instruction may lie across the boundary between them.
    public const int Code = 0x2000;
    public const int CodeBoundary = 0x3000;

    // Where a taken branch goes to, from the instruction.
    public const int TakenOffset = 0x40;

    // The window lies across a page boundary.
    public const int Data = 0x5F00;
    public const int DataBytes = 1024;

    /// <summary>The FXSAVE image.</summary>
    public const int FxStateBytes = 512;

    // Room below for signal handlers of the host, which may run on this stack.
    public const int Stack = 0xF000;
    public const int StackBytes = 256;
    public const int StackLow = Stack - (StackBytes / 2);
}
