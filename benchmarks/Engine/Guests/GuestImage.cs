// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Benchmarks.Engine.Guests;

/// <summary>A program with all it needs to run on a bare PC: a multiboot-1 image that our loader and QEMU's both take.
/// It puts its result on COM1 as 16 hexadecimal digits and ends through the isa-debug-exit port, or that of Bochs.
/// </summary>
internal static class GuestImage
{
    /// <summary>What the guest writes to port 0xF4.</summary>
    public const byte ExitValue = 0x10;

    public const byte ExitPort = 0xF4;
    public const ushort Com1 = 0x3F8;

    private const ushort Com1LineStatus = Com1 + 5;
    private const byte TransmitterEmpty = 0x20;
    private const byte TransmitterIdle = 0x40;

    /// <summary>Bochs ends when it is told this, letter for letter, at this port of its.</summary>
    private const string EndOfBochs = "Shutdown";
    private const ushort BochsPort = 0x8900;

    /// <returns>The bytes of the file; the same for the same arguments.</returns>
    public static byte[] Build(GuestProgram program, uint rounds)
    {
        byte[] code = BuildCode(program, rounds);
        return [.. BootCode.Build(GuestLayout.PageBytes + (uint)code.Length), .. code];
    }

    /// <summary>The 64-bit code alone, for <see cref="GuestLayout.Program"/>.</summary>
    public static byte[] BuildCode(GuestProgram program, uint rounds)
    {
        Assembler assembler = new(bitness: 64);
        Emit(assembler, program, rounds);
        using MemoryStream code = new();
        _ = assembler.Assemble(new StreamCodeWriter(code), GuestLayout.Program);
        return code.ToArray();
    }

    private static void Emit(Assembler a, GuestProgram program, uint rounds)
    {
        program.Emit(a, rounds);
        a.mov(rbx, rax);
        EmitPrint(a);
        a.mov(eax, ExitValue);
        a.@out(ExitPort, al);
        EmitEndOfBochs(a);
        Label halted = a.CreateLabel();
        a.Label(ref halted);
        a.cli();
        a.hlt();
        a.jmp(halted);
    }

    /// <summary>What is reached only where the port above ends nothing. A character takes its time there.</summary>
    private static void EmitEndOfBochs(Assembler a)
    {
        Label wait = a.CreateLabel();
        a.mov(edx, Com1LineStatus);
        a.Label(ref wait);
        a.@in(al, dx);
        a.test(al, TransmitterIdle);
        a.jz(wait);
        a.mov(edx, BochsPort);
        foreach (char letter in EndOfBochs)
        {
            a.mov(eax, letter);
            a.@out(dx, al);
        }
    }

    private static void EmitPrint(Assembler a)
    {
        Label digit = a.CreateLabel();
        Label wait = a.CreateLabel();
        Label letter = a.CreateLabel();
        a.mov(ecx, 16);
        a.Label(ref digit);
        a.mov(edx, Com1LineStatus);
        a.Label(ref wait);
        a.@in(al, dx);
        a.test(al, TransmitterEmpty);
        a.jz(wait);
        a.rol(rbx, 4);
        a.mov(eax, ebx);
        a.and(eax, 15);
        a.add(eax, '0');
        a.cmp(eax, '9');
        a.jbe(letter);
        a.add(eax, 'a' - '9' - 1);
        a.Label(ref letter);
        a.mov(edx, Com1);
        a.@out(dx, al);
        a.dec(ecx);
        a.jnz(digit);
    }
}
