// SPDX-License-Identifier: Apache-2.0

using System.Runtime.InteropServices;
using Iced.Intel;

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

    // What Linux gives every process.
    private const byte Code32Selector = 0x23;
    private const byte Data32Selector = 0x2B;
    private const byte Code64Selector = 0x33;

    // Layout of the state page, in bytes.
    private const int GprsIn = 0;
    private const int FlagsIn = 128;
    private const int GprsOut = 256;
    private const int FlagsOut = 384;
    private const int HostStack = 512;
    private const int InstructionAddress = 520;
    private const int WasTaken = 528;
    private const int FxStateIn = 1024;
    private const int FxStateOut = 1536;
    private const int FxStateOfHost = 2048;

    private static readonly byte[] s_callerSaved = [0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57];
    private static readonly byte[] s_callerRestored =
        [0x41, 0x5F, 0x41, 0x5E, 0x41, 0x5D, 0x41, 0x5C, 0x5D, 0x5B, 0xC3];

    private static readonly byte[] s_initialFxState = FxStateImage.Initial();

    private readonly byte* _block;

    private NativeCpu(byte* block)
    {
        _block = block;
        WriteEntry();
        WriteReturn();
        WriteEntry32();
        WriteReturn32();
        WriteLeave();
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

    /// <summary>True if the host lets a process use its 32-bit code segment.</summary>
    public bool Has32Bits()
    {
        // lar eax, ecx: ZF if the segment is visible; then EAX[15] present, [11] code, [22] 32 bits, [21] not 64 bits.
        ulong[] gprs = new ulong[16];
        gprs[1] = Code32Selector;
        gprs[4] = Base + SiliconLayout.Stack;
        SiliconResult rights = Execute(new SiliconCase
        {
            Instructions = [Instruction.Create(Code.Lar_r32_r32m16, Register.EAX, Register.ECX)],
            Bits = 64,
            Bytes = [0x0F, 0x02, 0xC1],
            Address = Base + SiliconLayout.Code,
            Gprs = gprs,
            RFlags = 2,
            Data = new byte[SiliconLayout.DataBytes],
            Stack = new byte[SiliconLayout.StackBytes],
            UndefinedFlags = 0,
        });
        const ulong Needed = (1 << 22) | (1 << 15) | (1 << 11);
        const ulong Zero = 1 << 6;
        return (rights.RFlags & Zero) != 0 && (rights.Gprs[0] & (Needed | (1 << 21))) == Needed;
    }

    public SiliconResult Execute(SiliconCase instruction)
    {
        byte* state = _block + SiliconLayout.State;
        instruction.Gprs.CopyTo(new Span<ulong>(state + GprsIn, 16));
        *(ulong*)(state + FlagsIn) = instruction.RFlags;
        *(ulong*)(state + InstructionAddress) = instruction.Address;
        state[WasTaken] = 0;
        (instruction.FxState ?? s_initialFxState).CopyTo(new Span<byte>(state + FxStateIn, SiliconLayout.FxStateBytes));
        instruction.Data.CopyTo(Window(SiliconLayout.Data, SiliconLayout.DataBytes));
        instruction.Stack.CopyTo(Window(SiliconLayout.StackLow, SiliconLayout.StackBytes));
        byte* segment = instruction.Bits == 16 ? _block : null;
        byte* at = segment + instruction.Address;
        instruction.Bytes.CopyTo(new Span<byte>(at, instruction.Bytes.Length));
        WritePad(at + instruction.Bytes.Length, taken: 0, instruction.Bits);
        if (instruction.Taken is { } target)
        {
            WritePad(segment + target, taken: 1, instruction.Bits);
        }

        int entry = instruction.Bits switch
        {
            64 => SiliconLayout.Entry,
            32 => SiliconLayout.Entry32,
            _ => SiliconLayout.Entry16,
        };
        ((delegate* unmanaged<void>)(_block + entry))();
        return new SiliconResult(
            state[WasTaken] != 0 ? instruction.Taken!.Value : instruction.Next,
            new Span<ulong>(state + GprsOut, 16).ToArray(),
            *(ulong*)(state + FlagsOut),
            Window(SiliconLayout.Data, SiliconLayout.DataBytes).ToArray(),
            Window(SiliconLayout.StackLow, SiliconLayout.StackBytes).ToArray())
        {
            FxState = new Span<byte>(state + FxStateOut, SiliconLayout.FxStateBytes).ToArray(),
        };
    }

    public void Dispose()
    {
        _ = Unmap((nint)_block, SiliconLayout.SizeBytes);
        if (_hasLocalTable)
        {
            s_localTable.Exit();
        }
    }

    private Span<byte> Window(int offset, int bytes) => new(_block + offset, bytes);

    private void WriteEntry()
    {
        byte* at = _block + SiliconLayout.Entry;
        at = Emit(at, s_callerSaved);
        at = EmitRelative(at, [0x48, 0x89, 0x25], HostStack); // mov [HostStack], rsp
        at = EmitFxStateIn(at);
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
        at = EmitFxStateOut(at);
        Emit(at, s_callerRestored);
    }

    private void WriteEntry32()
    {
        byte* at = _block + SiliconLayout.Entry32;
        at = Emit(at, s_callerSaved);
        at = EmitRelative(at, [0x48, 0x89, 0x25], HostStack); // mov [HostStack], rsp
        at = EmitFxStateIn(at);
        at = Emit(at, [0xB8, Data32Selector, 0, 0, 0, 0x8E, 0xD8, 0x8E, 0xC0]); // mov eax, …; mov ds, eax; mov es, eax
        at = Emit(at, [0x6A, Code32Selector]); // push …
        at = EmitAddress(at, [0x68], SiliconLayout.Start32); // push Start32
        Emit(at, [0x48, 0xCB]); // retfq

        at = _block + SiliconLayout.Start32;
        at = EmitAddress(at, [0xBC], SiliconLayout.StackLow); // mov esp, StackLow
        at = EmitAddress(at, [0xFF, 0x35], SiliconLayout.State + FlagsIn); // push dword [FlagsIn]
        at = Emit(at, [0x9D]); // popfd
        for (int register = 0; register < 8; register++)
        {
            int field = SiliconLayout.State + GprsIn + (register * 8);
            at = EmitAddress(at, [0x8B, (byte)(0x05 | (register << 3))], field);
        }

        EmitAddress(at, [0xFF, 0x25], SiliconLayout.State + InstructionAddress); // jmp dword [InstructionAddress]
    }

    private void WriteReturn32()
    {
        byte* at = _block + SiliconLayout.Return32;
        for (int register = 0; register < 8; register++)
        {
            int field = SiliconLayout.State + GprsOut + (register * 8);
            at = EmitAddress(at, [0x89, (byte)(0x05 | (register << 3))], field);
        }

        at = EmitAddress(at, [0xBC], SiliconLayout.StackLow - 64); // mov esp, …
        at = Emit(at, [0x9C]); // pushfd
        at = EmitAddress(at, [0x8F, 0x05], SiliconLayout.State + FlagsOut); // pop dword [FlagsOut]
        at = Emit(at, [0xFC]); // cld
        at = EmitAddress(at, [0xEA], SiliconLayout.Leave); // jmp 0x33:Leave
        Emit(at, [Code64Selector, 0]);
    }

    /// <summary>64-bit code again, from 32 or 16 bits.</summary>
    private void WriteLeave()
    {
        byte* at = _block + SiliconLayout.Leave;
        at = Emit(at, [0xB8, Data32Selector, 0, 0, 0, 0x8E, 0xD0]); // mov eax, …; mov ss, eax
        at = EmitRelative(at, [0x48, 0x8B, 0x25], HostStack); // mov rsp, [HostStack]
        at = EmitFxStateOut(at);
        Emit(at, s_callerRestored);
    }

    /// <summary>Puts the host's x87, MMX and SSE state aside and loads the case's.</summary>
    private byte* EmitFxStateIn(byte* at)
    {
        at = EmitRelative(at, [0x48, 0x0F, 0xAE, 0x05], FxStateOfHost); // fxsave64 [FxStateOfHost]
        return EmitRelative(at, [0x48, 0x0F, 0xAE, 0x0D], FxStateIn); // fxrstor64 [FxStateIn]
    }

    private byte* EmitFxStateOut(byte* at)
    {
        at = EmitRelative(at, [0x48, 0x0F, 0xAE, 0x05], FxStateOut); // fxsave64 [FxStateOut]
        return EmitRelative(at, [0x48, 0x0F, 0xAE, 0x0D], FxStateOfHost); // fxrstor64 [FxStateOfHost]
    }

    private void WritePad(byte* at, byte taken, int bits)
    {
        if (bits == 16)
        {
            WritePad16(at, taken);
            return;
        }

        // mov byte [WasTaken], taken: in 64-bit code the displacement counts from behind the immediate.
        byte* wasTaken = _block + SiliconLayout.State + WasTaken;
        byte* next = at + 7;
        at = Emit(at, [0xC6, 0x05]);
        *(int*)at = bits == 64 ? (int)(wasTaken - next) : (int)wasTaken;
        at[4] = taken;
        byte* jump = Emit(next, [0xE9]);
        int target = bits == 64 ? SiliconLayout.Return : SiliconLayout.Return32;
        *(int*)jump = (int)(_block + target - (jump + 4));
    }

    private byte* EmitAddress(byte* at, ReadOnlySpan<byte> opcode, int field)
    {
        at = Emit(at, opcode);
        *(int*)at = (int)(_block + field);
        return at + 4;
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
