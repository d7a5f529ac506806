// SPDX-License-Identifier: Apache-2.0

using System.Runtime.InteropServices;

namespace KvmActors.Cpu.Tests.Silicon;

// JUSTIFICATION: see NativeCpu.cs.
// SAFETY: the two segments made here have the block as their base and 64 KiB as their limit.

/// <summary>The 16-bit half: segments of a local descriptor table, and the code around a 16-bit instruction.</summary>
internal sealed unsafe partial class NativeCpu
{
    private const int ModifyLdt = 154; // the system call's number on x64
    private const int WriteLdt = 1;
    private const byte Code16Selector = 0x07; // entry 0, local, privilege 3
    private const byte Data16Selector = 0x0F; // entry 1

    // The table is the process's: one test at a time has its segments there.
    private static readonly Lock s_localTable = new();

    private bool _hasLocalTable;

    /// <summary>Makes the segments; false, with the reason, where the host refuses.</summary>
    public bool TryMake16Bits(out string whyNot)
    {
        if (!_hasLocalTable)
        {
            s_localTable.Enter();
            _hasLocalTable = true;
        }

        const uint ReadableCode = 2 << 1;
        const uint WritableData = 0 << 1;
        const uint Usable = 1 << 6;
        bool made = TryWriteLdt(0, ReadableCode | Usable) && TryWriteLdt(1, WritableData | Usable);
        whyNot = made ? "" : $"the host makes no 16-bit segments, errno {Marshal.GetLastPInvokeError()}";
        if (made)
        {
            WriteEntry16();
            WriteReturn16();
        }

        return made;
    }

    private bool TryWriteLdt(uint entry, uint flags)
    {
        uint* descriptor = stackalloc uint[4];
        descriptor[0] = entry;
        descriptor[1] = (uint)_block;
        descriptor[2] = SiliconLayout.SizeBytes - 1;
        descriptor[3] = flags;
        return SystemCall(ModifyLdt, WriteLdt, (nint)descriptor, 4 * sizeof(uint)) == 0;
    }

    private void WriteEntry16()
    {
        byte* at = _block + SiliconLayout.Entry16;
        at = Emit(at, s_callerSaved);
        at = EmitRelative(at, [0x48, 0x89, 0x25], HostStack); // mov [HostStack], rsp
        at = EmitFxStateIn(at);
        at = Emit(at, [0xB8, Data16Selector, 0, 0, 0, 0x8E, 0xD8, 0x8E, 0xC0]); // mov eax, …; mov ds, eax; mov es, eax
        at = Emit(at, [0x6A, Code16Selector]); // push …
        at = Emit(at, [0x68]); // push Start16, an offset in the segment
        *(int*)at = SiliconLayout.Start16;
        Emit(at + 4, [0x48, 0xCB]); // retfq

        at = _block + SiliconLayout.Start16;
        at = Emit(at, [0x8E, 0xD0]); // mov ss, ax
        at = EmitOffset(at, [0x66, 0xBC], SiliconLayout.StackLow); // mov esp, StackLow
        at = Emit(at, [0, 0]);
        at = EmitOffset(at, [0x66, 0xFF, 0x36], SiliconLayout.State + FlagsIn); // push dword [FlagsIn]
        at = Emit(at, [0x66, 0x9D]); // popfd
        for (int register = 0; register < 8; register++)
        {
            int field = SiliconLayout.State + GprsIn + (register * 8);
            at = EmitOffset(at, [0x66, 0x8B, (byte)(0x06 | (register << 3))], field);
        }

        EmitOffset(at, [0xFF, 0x26], SiliconLayout.State + InstructionAddress); // jmp word [InstructionAddress]
    }

    private void WriteReturn16()
    {
        byte* at = _block + SiliconLayout.Return16;
        for (int register = 0; register < 8; register++)
        {
            int field = SiliconLayout.State + GprsOut + (register * 8);
            at = EmitOffset(at, [0x66, 0x89, (byte)(0x06 | (register << 3))], field);
        }

        at = EmitOffset(at, [0xBC], SiliconLayout.StackLow - 64); // mov sp, …
        at = Emit(at, [0x66, 0x9C]); // pushfd
        at = EmitOffset(at, [0x66, 0x8F, 0x06], SiliconLayout.State + FlagsOut); // pop dword [FlagsOut]
        at = Emit(at, [0xFC]); // cld
        at = EmitAddress(at, [0x66, 0xEA], SiliconLayout.Leave); // jmp 0x33:Leave
        Emit(at, [Code64Selector, 0]);
    }

    private void WritePad16(byte* at, byte taken)
    {
        at = EmitOffset(at, [0xC6, 0x06], SiliconLayout.State + WasTaken); // mov byte [WasTaken], taken
        *at = taken;
        byte* jump = Emit(at + 1, [0xE9]);
        *(short*)jump = (short)(_block + SiliconLayout.Return16 - (jump + 2));
    }

    private static byte* EmitOffset(byte* at, ReadOnlySpan<byte> opcode, int offset)
    {
        at = Emit(at, opcode);
        *(ushort*)at = (ushort)offset;
        return at + 2;
    }

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint SystemCall(nint number, nint first, nint second, nint third);
}
