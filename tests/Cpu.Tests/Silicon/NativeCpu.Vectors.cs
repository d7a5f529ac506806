// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Tests.Silicon.Vectors;

namespace KvmActors.Cpu.Tests.Silicon;

// JUSTIFICATION: see NativeCpu.cs.
// SAFETY: the handler takes only faults at an address inside of the block, or below 64 KiB, where no other code is;
// every other one goes to the handler that was there before, with the same arguments. A vector writes to the block
// alone: its addresses are in the block, or not canonical.

/// <summary>Vectors: the block at its fixed place, two of its pages protected, and instructions that may fault.
/// </summary>
internal sealed unsafe partial class NativeCpu
{
    private const int VectorHandler = 0xD00;
    private const int NullSegments = 0xE80;
    private const int OldHandlers = 0xB00;
    private const int VectorFault = 0xA80;
    private const int FaultNumber = VectorFault + 8;
    private const int FaultCode = VectorFault + 16;
    private const int FaultAddress = VectorFault + 24;
    private const int FaultRip = VectorFault + 32;
    private const int FaultFlags = VectorFault + 40;
    private const int FaultReturn = VectorFault + 48;

    private const int ContextFlags = ContextRip + 8;
    private const int ContextError = ContextRip + 24;
    private const int ContextTrap = ContextRip + 32;
    private const int ContextCr2 = ContextRip + 48;

    // MAP_FIXED_NOREPLACE.
    private const int MapFixed = 0x10_0000;

    // SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV.
    private static readonly int[] s_faultSignals = [4, 5, 7, FloatingPointSignal, 11];

    private readonly byte[] _oldActions = new byte[s_faultSignals.Length * ActionBytes];

    private VectorShape? _shape;

    /// <summary>A CPU whose block is where vectors have it; null, with the reason, where there can be none.</summary>
    public static NativeCpu? TryCreateForVectors(out string whyNot)
    {
        using NativeCpu? probe = TryCreate(out whyNot);
        if (probe is null)
        {
            return null;
        }

        nint block = Map(
            (nint)VectorLayout.BlockBase, SiliconLayout.SizeBytes, ProtReadWriteExecute,
            MapPrivateAnonymous | MapFixed, -1, 0);
        if (block != (nint)VectorLayout.BlockBase)
        {
            whyNot = $"the address {VectorLayout.BlockBase:x} is taken";
            return null;
        }

        NativeCpu made = new((byte*)block);
        made.WriteVectorHandler();

        // As Linux starts a process: xor eax, eax; mov ds, eax; mov es, eax; mov gs, eax; ret.
        Emit(made._block + NullSegments, [0x31, 0xC0, 0x8E, 0xD8, 0x8E, 0xC0, 0x8E, 0xE8, 0xC3]);
        _ = made._block[VectorLayout.ReadOnly];
        bool isProtected = Protect(block + VectorLayout.Absent, 0x1000, 0) == 0
            && Protect(block + VectorLayout.ReadOnly, 0x1000, 1) == 0;
        return isProtected ? made : throw new InvalidOperationException("Pages cannot be protected.");
    }

    /// <summary>Takes the signals of faults, until <see cref="EndVectors"/> on the same thread.</summary>
    public void BeginVectors()
    {
        s_signals.Enter();
        byte* action = stackalloc byte[ActionBytes];
        byte* old = stackalloc byte[ActionBytes];
        for (int index = 0; index < s_faultSignals.Length; index++)
        {
            int signal = s_faultSignals[index];
            _ = Action(signal, 0, (nint)old);
            new Span<byte>(old, ActionBytes).CopyTo(_oldActions.AsSpan(index * ActionBytes));
            *(nint*)(_block + SiliconLayout.State + OldHandlers + (signal * 8)) = *(nint*)old;
        }

        foreach (int signal in s_faultSignals)
        {
            new Span<byte>(action, ActionBytes).Clear();
            *(nint*)action = (nint)(_block + VectorHandler);
            *(int*)(action + ActionFlags) = WithInformation | OnAlternateStack;
            _ = Action(signal, (nint)action, 0);
        }
    }

    public void EndVectors()
    {
        for (int index = 0; index < s_faultSignals.Length; index++)
        {
            fixed (byte* old = &_oldActions[index * ActionBytes])
            {
                _ = Action(s_faultSignals[index], (nint)old, 0);
            }
        }

        s_signals.Exit();
    }

    /// <summary>Puts the code of a shape where the vectors that follow execute it.</summary>
    public void Prepare(VectorShape shape)
    {
        _shape = shape;
        byte* at = _block + shape.CodeOffset;
        shape.Bytes.CopyTo(new Span<byte>(at, shape.Bytes.Length));
        WritePad(at + shape.Bytes.Length, taken: 0, shape.Bits);
        WritePad(at + SiliconLayout.TakenOffset, taken: 1, shape.Bits);
        byte* state = _block + SiliconLayout.State;
        *(ulong*)(state + InstructionAddress) = shape.Address;
        *(ulong*)(state + FaultReturn) = shape.Bits switch
        {
            64 => VectorLayout.BlockBase + SiliconLayout.Return,
            32 => VectorLayout.BlockBase + SiliconLayout.Return32,
            _ => SiliconLayout.Return16,
        };
    }

    /// <summary>Executes one vector of the shape that was prepared, between <see cref="BeginVectors"/> and
    /// <see cref="EndVectors"/>.</summary>
    public void Execute(MachineImage before, MachineImage after)
    {
        VectorShape shape = _shape ?? throw new InvalidOperationException("No shape was prepared.");
        byte* state = _block + SiliconLayout.State;
        ReadOnlySpan<ulong> words = before.Words;
        words.Slice(MachineImage.Gprs, 16).CopyTo(new Span<ulong>(state + GprsIn, 16));
        words.Slice(MachineImage.Gprs, 16).CopyTo(new Span<ulong>(state + GprsOut, 16));
        *(ulong*)(state + FlagsIn) = before.Flags;
        state[WasTaken] = 0;
        *(ulong*)(state + VectorFault) = 0;
        words.Slice(MachineImage.Fx, MachineImage.FxCount)
            .CopyTo(new Span<ulong>(state + FxStateIn, MachineImage.FxCount));
        Copy(words, MachineImage.Data, MachineImage.DataCount, SiliconLayout.Data);
        Copy(words, MachineImage.Stack, MachineImage.StackCount, SiliconLayout.StackLow);
        Copy(words, MachineImage.Edge, MachineImage.EdgeCount, VectorLayout.Edge);
        ((delegate* unmanaged<void>)(_block + NullSegments))();
        int entry = shape.Bits switch
        {
            64 => SiliconLayout.Entry,
            32 => SiliconLayout.Entry32,
            _ => SiliconLayout.Entry16,
        };
        ((delegate* unmanaged<void>)(_block + entry))();
        Collect(shape, after);
    }

    private void Collect(VectorShape shape, MachineImage after)
    {
        const ulong PageFault = 14;
        byte* state = _block + SiliconLayout.State;
        Span<ulong> words = after.Words;
        bool hasFaulted = *(ulong*)(state + VectorFault) != 0;
        ulong vector = *(ulong*)(state + FaultNumber);
        words[MachineImage.Rip] = hasFaulted ? *(ulong*)(state + FaultRip)
            : state[WasTaken] != 0 ? shape.Taken
            : shape.Next;
        words[MachineImage.ErrorCode] = hasFaulted ? *(ulong*)(state + FaultCode) : 0;
        words[MachineImage.Cr2] = hasFaulted && vector == PageFault ? *(ulong*)(state + FaultAddress) : 0;
        after.Fault = hasFaulted ? (byte)vector : null;
        after.Flags = *(ulong*)(state + (hasFaulted ? FaultFlags : FlagsOut));
        new ReadOnlySpan<ulong>(state + GprsOut, 16).CopyTo(words[MachineImage.Gprs..]);
        new ReadOnlySpan<ulong>(state + FxStateOut, MachineImage.FxCount).CopyTo(words[MachineImage.Fx..]);
        CopyBack(words, MachineImage.Data, MachineImage.DataCount, SiliconLayout.Data);
        CopyBack(words, MachineImage.Stack, MachineImage.StackCount, SiliconLayout.StackLow);
        CopyBack(words, MachineImage.Edge, MachineImage.EdgeCount, VectorLayout.Edge);
        after.MaskFx();
    }

    private void Copy(ReadOnlySpan<ulong> words, int first, int count, int offset) =>
        words.Slice(first, count).CopyTo(new Span<ulong>(_block + offset, count));

    private void CopyBack(Span<ulong> words, int first, int count, int offset) =>
        new ReadOnlySpan<ulong>(_block + offset, count).CopyTo(words[first..]);

    /// <summary>void handler(int signal, siginfo_t* information, ucontext_t* context), in RDI, RSI, RDX.</summary>
    private void WriteVectorHandler()
    {
        byte* at = _block + VectorHandler;
        at = Emit(at, [0x48, 0x8B, 0x82]); // mov rax, [rdx + ContextRip]
        *(int*)at = ContextRip;
        at = Emit(at + 4, [0x48, 0x89, 0xC1]); // mov rcx, rax
        at = Emit(at, [0x48, 0x2D]); // sub rax, block
        *(int*)at = (int)_block;
        at = Emit(at + 4, [0x48, 0x3D]); // cmp rax, SizeBytes
        *(int*)at = SiliconLayout.SizeBytes;
        at = Emit(at + 4, [0x72, 0]); // jb ours
        byte* firstJump = at;
        at = Emit(at, [0x48, 0x81, 0xF9]); // cmp rcx, SizeBytes
        *(int*)at = SiliconLayout.SizeBytes;
        at = Emit(at + 4, [0x72, 0]); // jb ours
        byte* secondJump = at;
        at = Emit(at, [0x48, 0xB8]); // mov rax, OldHandlers
        *(ulong*)at = (ulong)(_block + SiliconLayout.State + OldHandlers);
        at = Emit(at + 8, [0xFF, 0x24, 0xF8]); // jmp [rax + rdi * 8]
        firstJump[-1] = (byte)(at - firstJump);
        secondJump[-1] = (byte)(at - secondJump);
        at = EmitRelative(at, [0x48, 0x89, 0x0D], FaultRip); // mov [FaultRip], rcx
        foreach ((int from, int to) in (ReadOnlySpan<(int, int)>)[
            (ContextTrap, FaultNumber), (ContextError, FaultCode), (ContextCr2, FaultAddress),
            (ContextFlags, FaultFlags)])
        {
            at = Emit(at, [0x48, 0x8B, 0x82]); // mov rax, [rdx + from]
            *(int*)at = from;
            at = EmitRelative(at + 4, [0x48, 0x89, 0x05], to); // mov [to], rax
        }

        at = Emit(at, [0xB8, 1, 0, 0, 0]); // mov eax, 1
        at = EmitRelative(at, [0x48, 0x89, 0x05], VectorFault); // mov [VectorFault], rax
        at = EmitRelative(at, [0x48, 0x8B, 0x05], FaultReturn); // mov rax, [FaultReturn]
        at = Emit(at, [0x48, 0x89, 0x82]); // mov [rdx + ContextRip], rax
        *(int*)at = ContextRip;
        Emit(at + 4, [0xC3]); // ret
    }

    [System.Runtime.InteropServices.LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    private static partial int Protect(nint address, nuint length, int protection);
}
