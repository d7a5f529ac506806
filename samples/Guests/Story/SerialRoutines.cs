// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Samples.Guests.Story;

/// <summary>COM1: set up, proved by its loopback, and the routines that print.</summary>
/// <remarks>Source: National Semiconductor PC16550D data sheet, section 8 "Registers".</remarks>
internal static class SerialRoutines
{
    public const ushort Com1 = 0x3F8;
    public const int LineStatus = 5;

    public static void EmitRoutines(GuestProgram program)
    {
        EmitPutChar(program);
        EmitPutText(program);
        EmitPutHex(program);
        EmitPutDecimal(program);
    }

    public static void EmitSetUp(GuestProgram program)
    {
        Assembler c = program.Code;
        const byte LoopbackProbe = 0xAE;
        Out(c, register: 1, 0x00);
        Out(c, register: 3, 0x80);
        Out(c, register: 0, 0x01);
        Out(c, register: 1, 0x00);
        Out(c, register: 3, 0x03);
        Out(c, register: 2, 0xC7);
        Out(c, register: 4, 0x1E);
        Out(c, register: 0, LoopbackProbe);
        c.mov(dx, Com1);
        c.@in(al, dx);
        c.mov(bl, al);
        Out(c, register: 4, 0x0B);

        Label echoed = c.CreateLabel();
        c.cmp(bl, LoopbackProbe);
        c.je(echoed);
        c.inc(__qword_ptr[GuestVariables.Failures]);
        c.Label(ref echoed);
    }

    private static void Out(Assembler c, int register, byte value)
    {
        c.mov(dx, (short)(Com1 + register));
        c.mov(al, value);
        c.@out(dx, al);
    }

    private static void EmitPutChar(GuestProgram program)
    {
        Assembler c = program.Code;
        const byte TransmitterEmpty = 0x20;
        Label start = program.PutChar;
        Label wait = c.CreateLabel();
        c.Label(ref start);
        c.push(rax);
        c.mov(edx, Com1 + LineStatus);
        c.Label(ref wait);
        c.@in(al, dx);
        c.test(al, TransmitterEmpty);
        c.jz(wait);
        c.pop(rax);
        c.mov(edx, (int)Com1);
        c.@out(dx, al);
        c.ret();
    }

    private static void EmitPutText(GuestProgram program)
    {
        Assembler c = program.Code;
        Label start = program.PutText;
        Label end = c.CreateLabel();
        c.Label(ref start);
        c.lodsb();
        c.test(al, al);
        c.jz(end);
        c.call(program.PutChar);
        c.jmp(start);
        c.Label(ref end);
        c.ret();
    }

    private static void EmitPutHex(GuestProgram program)
    {
        Assembler c = program.Code;
        Label start = program.PutHex;
        Label next = c.CreateLabel();
        Label digit = c.CreateLabel();
        c.Label(ref start);
        c.mov(r8, rax);
        c.Label(ref next);
        c.dec(rcx);
        c.shl(ecx, 2);
        c.mov(rax, r8);
        c.shr(rax, cl);
        c.shr(ecx, 2);
        c.and(eax, 0x0F);
        c.add(eax, '0');
        c.cmp(eax, '9');
        c.jbe(digit);
        c.add(eax, 'a' - '0' - 10);
        c.Label(ref digit);
        c.call(program.PutChar);
        c.test(ecx, ecx);
        c.jnz(next);
        c.ret();
    }

    private static void EmitPutDecimal(GuestProgram program)
    {
        Assembler c = program.Code;
        Label start = program.PutDecimal;
        Label divide = c.CreateLabel();
        Label print = c.CreateLabel();
        c.Label(ref start);
        c.mov(r8d, 10);
        c.xor(ecx, ecx);
        c.Label(ref divide);
        c.xor(edx, edx);
        c.div(r8);
        c.push(rdx);
        c.inc(ecx);
        c.test(rax, rax);
        c.jnz(divide);
        c.Label(ref print);
        c.pop(rax);
        c.add(eax, '0');
        c.call(program.PutChar);
        c.loop(print);
        c.ret();
    }
}
