// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Benchmarks.Engine.Guests;

/// <summary>Guests that are not run for their instructions.</summary>
internal static class SmallGuests
{
    private const byte PicMask = 0x21;
    private const byte SecondPicMask = 0xA1;
    private const byte AllLines = 0xFF;
    private const ushort Com1 = 0x3F8;

    /// <summary>Prints and ends.</summary>
    public static byte[] Printing() =>
        GuestImage.Build(new GuestProgram("print", static (a, _) => a.xor(eax, eax), default, Goal: 0), rounds: 0);

    /// <summary>Puts a letter on COM1 and halts for ever, with interrupts enabled and every line of them masked.
    /// </summary>
    public static byte[] Halted() =>
        GuestImage.Build(new GuestProgram("halt", static (a, _) => EmitHalt(a), default, Goal: 0), rounds: 0);

    private static void EmitHalt(Assembler a)
    {
        Label halted = a.CreateLabel();
        a.mov(al, AllLines);
        a.@out(PicMask, al);
        a.@out(SecondPicMask, al);
        a.mov(edx, Com1);
        a.mov(al, (byte)'H');
        a.@out(dx, al);
        a.Label(ref halted);
        a.sti();
        a.hlt();
        a.jmp(halted);
    }
}
