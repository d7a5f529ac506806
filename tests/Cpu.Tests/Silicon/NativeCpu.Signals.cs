// SPDX-License-Identifier: Apache-2.0

using System.Runtime.InteropServices;

namespace KvmActors.Cpu.Tests.Silicon;

// JUSTIFICATION: see NativeCpu.cs.
// SAFETY: the handler takes only faults at an address inside of the block; every other one goes to the handler that was
// there before, with the same arguments.

/// <summary>Instructions that may raise a SIMD floating-point exception: what they leave behind when they do.</summary>
internal sealed unsafe partial class NativeCpu
{
    private const int Handler = 0xC00;
    private const int OldHandler = 536;
    private const int HasFaulted = 544;
    private const int FloatingPointSignal = 8;
    private const int WithInformation = 4;
    private const int OnAlternateStack = 0x0800_0000;

    // What signals do is the process's: one test at a time changes it.
    private static readonly Lock s_signals = new();

    // The structure of sigaction: handler, 1024 bits of mask, flags, restorer.
    private const int ActionBytes = 152;
    private const int ActionFlags = 136;

    // ucontext_t.uc_mcontext.gregs[REG_RIP] on x64.
    private const int ContextRip = 168;

    /// <summary>Executes one instruction of 64-bit code; true if it faulted with #XM: then the result is the state as
    /// the fault left it.</summary>
    public (SiliconResult Result, bool HasFaulted) ExecuteUnmasked(SiliconCase instruction)
    {
        lock (s_signals)
        {
            return ExecuteWithHandler(instruction);
        }
    }

    private (SiliconResult Result, bool HasFaulted) ExecuteWithHandler(SiliconCase instruction)
    {
        byte* action = stackalloc byte[ActionBytes];
        byte* old = stackalloc byte[ActionBytes];
        new Span<byte>(action, ActionBytes).Clear();
        *(nint*)action = (nint)(_block + Handler);
        *(int*)(action + ActionFlags) = WithInformation | OnAlternateStack;
        byte* state = _block + SiliconLayout.State;
        state[HasFaulted] = 0;
        if (Action(FloatingPointSignal, 0, (nint)old) != 0)
        {
            throw new InvalidOperationException("The action of SIGFPE cannot be read.");
        }

        *(nint*)(state + OldHandler) = *(nint*)old;
        WriteHandler();
        _ = Action(FloatingPointSignal, (nint)action, 0);
        try
        {
            SiliconResult result = Execute(instruction);
            bool faulted = state[HasFaulted] != 0;
            return (faulted ? result with { Rip = instruction.Address } : result, faulted);
        }
        finally
        {
            _ = Action(FloatingPointSignal, (nint)old, 0);
        }
    }

    /// <summary>void handler(int signal, siginfo_t* information, ucontext_t* context), in RDI, RSI, RDX.</summary>
    private void WriteHandler()
    {
        byte* at = _block + Handler;
        at = Emit(at, [0x48, 0x8B, 0x82]); // mov rax, [rdx + ContextRip]
        *(int*)at = ContextRip;
        at = Emit(at + 4, [0x48, 0x2D]); // sub rax, block
        *(int*)at = (int)_block;
        at = Emit(at + 4, [0x48, 0x3D]); // cmp rax, SizeBytes
        *(int*)at = SiliconLayout.SizeBytes;
        at = Emit(at + 4, [0x73, 25]); // jae other
        byte* wasSet = _block + SiliconLayout.State + HasFaulted;
        at = Emit(at, [0xC6, 0x05]); // mov byte [HasFaulted], 1
        *(int*)at = (int)(wasSet - (at + 5));
        at[4] = 1;
        at = Emit(at + 5, [0x48, 0xC7, 0x82]); // mov qword [rdx + ContextRip], Return
        *(int*)at = ContextRip;
        *(int*)(at + 4) = (int)(_block + SiliconLayout.Return);
        at = Emit(at + 8, [0xC3, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90]); // ret
        EmitRelative(at, [0xFF, 0x25], OldHandler); // other: jmp qword [OldHandler]
    }

    [LibraryImport("libc", EntryPoint = "sigaction", SetLastError = true)]
    private static partial int Action(int signal, nint action, nint old);
}
