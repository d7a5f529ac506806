// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Hypercalls;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Samples.Guests.Story;

/// <summary>The seven places that execute a hypercall instruction. One runs once at the start, three run through the
/// whole life, and three only later, so that a guest that has moved meets sites it never executed before. A gate has an
/// eighth.</summary>
/// <remarks>Source: Linux v6.19 Documentation/virt/kvm/x86/hypercalls.rst: RAX number, RBX, RCX, RDX, RSI arguments,
/// result in RAX, nothing else changed.</remarks>
internal static class HypercallSites
{
    private const int VapicPollIrq = 1;
    private const int MmuOperation = 2;
    private const long UnknownNumber = 0x7777;
    private const long UnknownWideNumber = 0x1_0000_0001;
    private const int NotImplemented = -1000;

    private const int Argument0 = 0x0B0B_0B0B;
    private const int Argument1 = 0x0C0C_0C0C;
    private const int Argument2 = 0x0D0D_0D0D;
    private const int Argument3 = 0x0515_1515;

    /// <summary>The site that runs once, before the first round.</summary>
    public static void EmitAtStart(GuestProgram program) =>
        EmitSite(program, VapicPollIrq, expected: 0, rexPrefix: null);

    /// <summary>The sites of a round; R12 is its number, from 0.</summary>
    public static void EmitInRound(GuestProgram program)
    {
        int rounds = program.Size.Rounds;
        EmitSite(program, VapicPollIrq, expected: 0, rexPrefix: null);
        EmitSite(program, UnknownNumber, NotImplemented, rexPrefix: null);

        // REX.W means nothing to this opcode, but it stands before the bytes that are patched.
        EmitSite(program, MmuOperation, NotImplemented, rexPrefix: 0x48);

        // In 64-bit mode a number is not cut to 32 bits: this one must not be taken for 1.
        EmitFrom(
            program,
            firstRound: rounds / 2,
            () => EmitSite(program, UnknownWideNumber, NotImplemented, rexPrefix: null));
        EmitFrom(
            program, firstRound: rounds * 2 / 3, () =>
                EmitSite(program, UnknownNumber, NotImplemented, rexPrefix: null));
        EmitFrom(
            program, firstRound: rounds * 5 / 6, () => EmitSite(program, VapicPollIrq, expected: 0, rexPrefix: 0x41));
    }

    /// <summary>The site of the gate. It is checked as the others, but not counted: how often it runs depends on when
    /// the key comes.</summary>
    public static void EmitAtGate(GuestProgram program)
    {
        EmitSite(program, VapicPollIrq, expected: 0, rexPrefix: null);
        program.Code.dec(__qword_ptr[GuestVariables.Hypercalls]);
    }

    /// <summary>The routine behind <see cref="GuestProgram.CheckHypercall"/>.</summary>
    public static void EmitCheckRoutine(GuestProgram program)
    {
        Assembler c = program.Code;
        Label start = program.CheckHypercall;
        Label wrong = c.CreateLabel();
        c.Label(ref start);
        c.inc(__qword_ptr[GuestVariables.Hypercalls]);
        c.cmp(rax, r8);
        c.jne(wrong);
        c.cmp(rbx, Argument0);
        c.jne(wrong);
        c.cmp(rcx, Argument1);
        c.jne(wrong);
        c.cmp(rdx, Argument2);
        c.jne(wrong);
        c.cmp(rsi, Argument3);
        c.jne(wrong);
        c.ret();
        c.Label(ref wrong);
        c.inc(__qword_ptr[GuestVariables.Failures]);
        c.ret();
    }

    private static void EmitFrom(GuestProgram program, int firstRound, Action site)
    {
        Label over = program.Code.CreateLabel();
        program.Code.cmp(r12d, firstRound);
        program.Code.jb(over);
        site();
        program.Code.Label(ref over);
    }

    private static void EmitSite(GuestProgram program, long number, int expected, byte? rexPrefix)
    {
        Assembler c = program.Code;
        c.push(rbx);
        c.mov(rax, number);
        c.mov(ebx, Argument0);
        c.mov(ecx, Argument1);
        c.mov(edx, Argument2);
        c.mov(esi, Argument3);
        c.mov(r8, (long)expected);
        byte last = program.BuiltFor switch
        {
            HostVendor.Intel => 0xC1,
            HostVendor.Amd => 0xD9,
        };
        if (rexPrefix is { } rex)
        {
            c.db(rex, 0x0F, 0x01, last);
        }
        else
        {
            c.db(0x0F, 0x01, last);
        }

        c.call(program.CheckHypercall);
        c.pop(rbx);
    }
}
