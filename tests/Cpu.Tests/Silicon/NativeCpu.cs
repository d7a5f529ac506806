// SPDX-License-Identifier: Apache-2.0

using System.Runtime.InteropServices;

namespace KvmActors.Cpu.Tests.Silicon;

// JUSTIFICATION: the CPU below us is the one oracle of instructions that nobody wrote.
// SAFETY: the block is mapped for this object alone; every instruction that is executed was chosen so that it cannot
// fault and touches only the data and stack windows of the block.

/// <summary>Executes single instructions on the host's CPU, with all sixteen registers and the flags as
/// given.</summary>
/// <remarks>Linux on x64 only. One thread at a time.</remarks>
internal sealed unsafe partial class NativeCpu : IDisposable
{
    private const int ProtReadWriteExecute = 7;
    private const int MapPrivateAnonymous = 0x22;

    // Below 2 GiB, so that 32-bit addressing and absolute operands reach the block.
    private const int Map32Bit = 0x40;

    // Layout of the state page, in bytes.
    private const int GprsIn = 0;
    private const int FlagsIn = 128;
    private const int GprsOut = 256;
    private const int FlagsOut = 384;
    private const int HostStack = 512;
    private const int InstructionAddress = 520;
    private const int WasTaken = 528;

    private static readonly byte[] s_callerSaved = [0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57];
    private static readonly byte[] s_callerRestored =
        [0x41, 0x5F, 0x41, 0x5E, 0x41, 0x5D, 0x41, 0x5C, 0x5D, 0x5B, 0xC3];

    private readonly byte* _block;

    private NativeCpu(byte* block)
    {
        _block = block;
        WriteEntry();
        WriteReturn();
    }

    public ulong Base => (ulong)_block;

    /// <summary>Null, with the reason, where instructions cannot be executed.</summary>
    public static NativeCpu? TryCreate(out string whyNot)
    {
        whyNot = "";
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
        {
            whyNot = $"the host is {RuntimeInformation.OSDescription} on {RuntimeInformation.ProcessArchitecture}, "
                + "not Linux on X64";
            return null;
        }

        nint block = Map(0, SiliconLayout.SizeBytes, ProtReadWriteExecute, MapPrivateAnonymous | Map32Bit, -1, 0);
        if (block == -1)
        {
            whyNot = $"memory that is writable and executable was refused, errno {Marshal.GetLastPInvokeError()}";
            return null;
        }

        return new NativeCpu((byte*)block);
    }

    public SiliconResult Execute(SiliconCase instruction)
    {
        byte* state = _block + SiliconLayout.State;
        instruction.Gprs.CopyTo(new Span<ulong>(state + GprsIn, 16));
        *(ulong*)(state + FlagsIn) = instruction.RFlags;
        *(ulong*)(state + InstructionAddress) = instruction.Address;
        state[WasTaken] = 0;
        instruction.Data.CopyTo(Window(SiliconLayout.Data, SiliconLayout.DataBytes));
        instruction.Stack.CopyTo(Window(SiliconLayout.StackLow, SiliconLayout.StackBytes));
        byte* at = (byte*)instruction.Address;
        instruction.Bytes.CopyTo(new Span<byte>(at, instruction.Bytes.Length));
        WritePad(at + instruction.Bytes.Length, taken: 0);
        if (instruction.Taken is { } target)
        {
            WritePad((byte*)target, taken: 1);
        }

        ((delegate* unmanaged<void>)(_block + SiliconLayout.Entry))();
        return new SiliconResult(
            state[WasTaken] != 0 ? instruction.Taken!.Value : instruction.Next,
            new Span<ulong>(state + GprsOut, 16).ToArray(),
            *(ulong*)(state + FlagsOut),
            Window(SiliconLayout.Data, SiliconLayout.DataBytes).ToArray(),
            Window(SiliconLayout.StackLow, SiliconLayout.StackBytes).ToArray());
    }

    public void Dispose() => _ = Unmap((nint)_block, SiliconLayout.SizeBytes);

    private Span<byte> Window(int offset, int bytes) => new(_block + offset, bytes);

    private void WriteEntry()
    {
        byte* at = _block + SiliconLayout.Entry;
        at = Emit(at, s_callerSaved);
        at = EmitRelative(at, [0x48, 0x89, 0x25], HostStack); // mov [HostStack], rsp
        at = EmitRelative(at, [0xFF, 0x35], FlagsIn); // push qword [FlagsIn]
        at = Emit(at, [0x9D]); // popfq
        for (int register = 0; register < 16; register++)
        {
            at = EmitMove(at, 0x8B, register, GprsIn);
        }

        EmitRelative(at, [0xFF, 0x25], InstructionAddress); // jmp qword [InstructionAddress]
    }

    private void WriteReturn()
    {
        byte* at = _block + SiliconLayout.Return;
        for (int register = 0; register < 16; register++)
        {
            at = EmitMove(at, 0x89, register, GprsOut);
        }

        at = EmitRelative(at, [0x48, 0x8B, 0x25], HostStack); // mov rsp, [HostStack]
        at = Emit(at, [0x9C]); // pushfq
        at = EmitRelative(at, [0x8F, 0x05], FlagsOut); // pop qword [FlagsOut]
        at = Emit(at, [0xFC]); // cld
        Emit(at, s_callerRestored);
    }

    private void WritePad(byte* at, byte taken)
    {
        // mov byte [WasTaken], taken: the displacement counts from behind the immediate.
        byte* next = at + 7;
        at = Emit(at, [0xC6, 0x05]);
        *(int*)at = (int)(_block + SiliconLayout.State + WasTaken - next);
        at[4] = taken;
        byte* jump = Emit(next, [0xE9]);
        *(int*)jump = (int)(_block + SiliconLayout.Return - (jump + 4));
    }

    private byte* EmitMove(byte* at, byte opcode, int register, int field) => EmitRelative(
        at,
        [(byte)(0x48 | (register >> 3 << 2)), opcode, (byte)(0x05 | ((register & 7) << 3))],
        field + (register * 8));

    private byte* EmitRelative(byte* at, ReadOnlySpan<byte> opcode, int field)
    {
        at = Emit(at, opcode);
        *(int*)at = (int)(_block + SiliconLayout.State + field - (at + 4));
        return at + 4;
    }

    private static byte* Emit(byte* at, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(new Span<byte>(at, bytes.Length));
        return at + bytes.Length;
    }

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int Unmap(nint address, nuint length);
}
