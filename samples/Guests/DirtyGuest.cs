// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Samples.Guests.Story;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Samples.Guests;

/// <summary>A guest that fills memory with noise and then writes to one page after the other, at a given pace, forever:
/// what a live migration has to keep up with. "R" on COM1 says that the memory is filled; then comes a dot for each
/// round over all pages.</summary>
/// <remarks>Multiboot-1, 32-bit, without paging; it needs no interrupt and runs under QEMU as it does here.</remarks>
public static class DirtyGuest
{
    /// <summary>First byte of what it fills.</summary>
    public const uint FilledFrom = 0x100_0000;

    private const int PageBytes = 4096;
    private const int Com1 = 0x3F8;

    /// <param name="filledBytes">A multiple of a page.</param>
    /// <param name="ticksPerPage">By the time-stamp counter, from one write to the next; 0: as fast as it can; null: it
    /// writes nothing and halts.</param>
    /// <returns>The bytes of the ELF file; the same for the same arguments.</returns>
    public static byte[] Build(uint filledBytes, uint? ticksPerPage)
    {
        Assembler c = new(bitness: 32);
        c.cli();
        Fill(c, filledBytes);
        Print(c, 'R');
        if (ticksPerPage is { } ticks)
        {
            WriteForever(c, filledBytes, ticks);
        }
        else
        {
            Halt(c);
        }

        using MemoryStream code = new();
        _ = c.Assemble(new StreamCodeWriter(code), GuestLayout.Boot + MultibootElf.HeaderBytes);
        return MultibootElf.Link(code.ToArray(), [], []);
    }

    private static void Fill(Assembler c, uint filledBytes)
    {
        Label next = c.CreateLabel();
        c.mov(edi, FilledFrom);
        c.mov(eax, 0x9E37_79B9);
        c.Label(ref next);
        c.mov(edx, eax);
        c.shl(edx, 13);
        c.xor(eax, edx);
        c.mov(edx, eax);
        c.shr(edx, 17);
        c.xor(eax, edx);
        c.mov(edx, eax);
        c.shl(edx, 5);
        c.xor(eax, edx);
        c.mov(__dword_ptr[edi], eax);
        c.add(edi, 4);
        c.cmp(edi, FilledFrom + filledBytes);
        c.jb(next);
    }

    private static void Print(Assembler c, char letter)
    {
        c.mov(edx, Com1);
        c.mov(eax, letter);
        c.@out(dx, al);
    }

    private static void WriteForever(Assembler c, uint filledBytes, uint ticksPerPage)
    {
        Label round = c.CreateLabel();
        Label page = c.CreateLabel();
        Label wait = c.CreateLabel();

        // EBX:ESI is when the next page is due; EBP counts up and is what is written.
        c.rdtsc();
        c.mov(esi, eax);
        c.mov(ebx, edx);
        c.Label(ref round);
        c.mov(edi, FilledFrom);
        c.Label(ref page);
        if (ticksPerPage > 0)
        {
            c.add(esi, ticksPerPage);
            c.adc(ebx, 0);
            c.Label(ref wait);
            c.rdtsc();
            c.sub(eax, esi);
            c.sbb(edx, ebx);
            c.js(wait);
        }

        c.inc(ebp);
        c.mov(__dword_ptr[edi], ebp);
        c.add(edi, PageBytes);
        c.cmp(edi, FilledFrom + filledBytes);
        c.jb(page);
        Print(c, '.');
        c.jmp(round);
    }

    private static void Halt(Assembler c)
    {
        // It has no interrupt table: both 8259 let nothing through.
        c.mov(al, 0xFF);
        c.@out(0x21, al);
        c.@out(0xA1, al);
        Label again = c.CreateLabel();
        c.Label(ref again);
        c.sti();
        c.hlt();
        c.jmp(again);
    }
}
