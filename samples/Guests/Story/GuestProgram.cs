// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Hypercalls;

namespace KvmActors.Samples.Guests.Story;

/// <summary>The 64-bit program while it is assembled: the assembler, the data, and the routines that call each other.
/// </summary>
/// <remarks>Routines keep RBX, RBP and R12 to R15, as the System V ABI has it; each says what it takes and what else it
/// keeps.</remarks>
internal sealed class GuestProgram
{
    public GuestProgram(HostVendor builtFor, StoryGuestSize size)
    {
        BuiltFor = builtFor;
        Size = size;
        Code = new Assembler(bitness: 64);
        PutChar = Code.CreateLabel();
        PutText = Code.CreateLabel();
        PutHex = Code.CreateLabel();
        PutDecimal = Code.CreateLabel();
        CheckHypercall = Code.CreateLabel();
        ReportException = Code.CreateLabel();
        SumCpuid = Code.CreateLabel();
        HashBlocks = Code.CreateLabel();
    }

    public HostVendor BuiltFor { get; }

    public StoryGuestSize Size { get; }

    public Assembler Code { get; }

    public DataSection Data { get; } = new();

    /// <summary>AL: sent on COM1 once LSR says that the transmitter is empty. Keeps all but RDX.</summary>
    public Label PutChar { get; }

    /// <summary>RSI: text with a NUL behind it. Changes RAX, RDX, RSI.</summary>
    public Label PutText { get; }

    /// <summary>RAX: value, RCX: its number of hexadecimal digits. Changes RAX, RCX, RDX, R8.</summary>
    public Label PutHex { get; }

    /// <summary>RAX: value. Changes RAX, RCX, RDX, R8.</summary>
    public Label PutDecimal { get; }

    /// <summary>RAX: a hypercall's result, R8: the expected one. Counts the call, and a failure where they differ or
    /// where RBX, RCX, RDX or RSI changed.</summary>
    public Label CheckHypercall { get; }

    /// <summary>RSI: name, R8, R9, R10: expected vector, error code and RIP.</summary>
    public Label ReportException { get; }

    /// <summary>RAX: a sum over leaves of CPUID that never change.</summary>
    public Label SumCpuid { get; }

    /// <summary>RSI: bytes, RDI: number of 64-byte blocks. Takes them into the digest.</summary>
    public Label HashBlocks { get; }

    /// <summary>Emits a call that sends a fixed text.</summary>
    public void Say(string text)
    {
        Code.mov(AssemblerRegisters.esi, Data.Text(text));
        Code.call(PutText);
    }

    /// <summary>Emits a call that sends a variable in decimal.</summary>
    public void SayDecimal(uint variable)
    {
        Code.mov(AssemblerRegisters.rax, AssemblerRegisters.__qword_ptr[variable]);
        Code.call(PutDecimal);
    }
}
