// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Samples.Guests.Story;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Samples.Guests;

/// <summary>A guest of two vCPUs that lives on interrupts: the first echoes what is typed on COM1, prints a dot every
/// eight milliseconds of VM time (8254, by the 8259), and takes an IPI now and then from the second, which counts. "q"
/// ends it: a line with its counts, then port 0xF4 with value 0.</summary>
/// <remarks>Multiboot-1, 32-bit, without paging. Its words lie at fixed addresses, so that a debugger's breakpoints and
/// watchpoints have something to name.</remarks>
public static class EchoGuest
{
    public const int VcpuCount = 2;

    /// <summary>Guest memory that it needs.</summary>
    public const ulong MemoryBytesMin = GuestLayout.MemoryEnd;

    /// <summary>Ticks of the timer; a double word.</summary>
    public const uint Ticks = 0x8000;

    /// <summary>IPIs that the first vCPU has taken; a double word.</summary>
    public const uint Ipis = 0x8004;

    /// <summary>Characters echoed; a double word.</summary>
    public const uint Echoed = 0x8008;

    /// <summary>What the second vCPU has counted to; a double word, written with LOCK.</summary>
    public const uint Counted = 0x800C;

    private const uint Quits = 0x8010;
    private const uint Idt = 0x5000;
    private const uint Gdt = 0x6000;
    private const uint TablePointers = 0x6080;
    private const uint Trampoline = 0x9000;
    private const uint WakeCode = 0x9800;
    private const uint Stack = 0x8_0000;
    private const int CodeSelector = 8;
    private const int TimerVector = 0x20;
    private const int SerialVector = 0x24;
    private const int IpiVector = 0x40;
    private const uint ApicBaseMsr = 0x1B;
    private const uint EndOfInterruptMsr = 0x80B;
    private const uint SpuriousMsr = 0x80F;
    private const uint CommandMsr = 0x830;
    private const int WakeVector = 0x41;
    private const int CountsPerIpi = 0x4000;
    private const int CountsPerRest = 0x100;
    private const int TicksPerDot = 8;
    private const int DebugExit = 0xF4;
    private const int Com1 = 0x3F8;
    private const int UnknownHypercall = 0x4000;

    /// <param name="secondRests">Whether the second vCPU halts behind each IPI it sends, until the first one's next
    /// tick; else it is always busy.</param>
    /// <param name="calls">Whose hypercall instruction stands in front of each echo, with a number that no host knows;
    /// null: none.</param>
    /// <returns>The bytes of the ELF file; the same for the same arguments.</returns>
    public static byte[] Build(bool secondRests, HostVendor? calls = null)
    {
        Assembler c = new(bitness: 32);
        SetTables(c);
        Handle(c, TimerVector, OnTimer);
        Handle(c, SerialVector, handler => OnSerial(handler, calls));
        Handle(c, IpiVector, OnIpi);
        EnableApic(c);
        SetDevices(c);
        StartSecond(c, secondRests);
        Label rest = c.CreateLabel("rest");
        c.Label(ref rest);
        c.sti();
        c.hlt();
        c.cmp(__dword_ptr[Quits], 0);
        c.je(rest);
        c.cli();
        PrintCounts(c);
        c.xor(eax, eax);
        c.@out(DebugExit, eax);
        c.hlt();
        return MultibootElf.Link(Bytes(c, GuestLayout.Boot + MultibootElf.HeaderBytes), [], []);
    }

    private static void SetTables(Assembler c)
    {
        c.cli();
        c.mov(esp, Stack);
        Fill(c, Gdt, 0, 0, 0x0000_FFFF, 0x00CF_9A00, 0x0000_FFFF, 0x00CF_9200);
        Fill(c, TablePointers, 23 | (Gdt << 16), Gdt >> 16, 0x7FF | (Idt << 16), Idt >> 16);
        c.lgdt(__fword_ptr[TablePointers]);

        // CALL pushes where the code goes on; RETF goes there with the new CS.
        Label far = c.CreateLabel();
        Label flat = c.CreateLabel();
        c.push(CodeSelector);
        c.call(far);
        c.jmp(flat);
        c.Label(ref far);
        c.retf();
        c.Label(ref flat);
        c.mov(eax, 16);
        c.mov(ds, eax);
        c.mov(es, eax);
        c.mov(ss, eax);
        c.lidt(__fword_ptr[TablePointers + 8]);
    }

    /// <summary>A handler, and its gate, whose address is what the CALL over it pushes.</summary>
    private static void Handle(Assembler c, int vector, Action<Assembler> handler)
    {
        Label over = c.CreateLabel();
        c.call(over);
        c.pushad();
        handler(c);
        c.popad();
        c.iretd();
        c.Label(ref over);
        c.pop(eax);
        c.movzx(ecx, ax);
        c.or(ecx, CodeSelector << 16);
        c.mov(__dword_ptr[Idt + (8 * vector)], ecx);
        c.and(eax, unchecked((int)0xFFFF_0000));
        c.or(eax, 0x8E00);
        c.mov(__dword_ptr[Idt + (8 * vector) + 4], eax);
    }

    /// <summary>Both 8259 with vectors from 20h and only the timer and COM1 let through; the timer every millisecond;
    /// COM1 interrupts for what it receives.</summary>
    private static void SetDevices(Assembler c)
    {
        (int Port, int Value)[] writes =
        [
            (0x20, 0x11), (0x21, 0x20), (0x21, 0x04), (0x21, 0x01), (0x21, 0xEE),
            (0xA0, 0x11), (0xA1, 0x28), (0xA1, 0x02), (0xA1, 0x01), (0xA1, 0xFF),
            (0x43, 0x34), (0x40, 1193 & 0xFF), (0x40, 1193 >> 8),
            (Com1 + 3, 0x03), (Com1 + 2, 0x07), (Com1 + 4, 0x0B), (Com1 + 1, 0x01),
        ];
        foreach ((int port, int value) in writes)
        {
            c.mov(edx, port);
            c.mov(al, (byte)value);
            c.@out(dx, al);
        }
    }

    private static void StartSecond(Assembler c, bool rests)
    {
        Assembler real = new(bitness: 16);
        real.db(0xEA, 0x05, 0x90, 0x00, 0x00); // JMP 0000:9005
        real.xor(ax, ax);
        real.mov(ds, ax);
        real.mov(ss, ax);
        real.mov(sp, 0x7000);
        EnableApic(real);
        Label count = real.CreateLabel();
        real.Label(ref count);
        real.@lock.inc(__dword_ptr[(ushort)Counted]);
        real.test(__dword_ptr[(ushort)Counted], (rests ? CountsPerRest : CountsPerIpi) - 1);
        real.jnz(count);
        WriteMsr(real, CommandMsr, 0x4000 | IpiVector);
        if (rests)
        {
            real.sti();
            real.hlt();
            real.cli();
        }

        real.jmp(count);

        Copy(c, Bytes(real, Trampoline), Trampoline);
        Copy(c, Bytes(WakeHandler(), WakeCode), WakeCode);
        c.mov(__dword_ptr[4 * WakeVector], WakeCode);

        // INIT, then a start-up IPI, to all but itself.
        WriteMsr(c, CommandMsr, 0x000C_4500);
        WriteMsr(c, CommandMsr, 0x000C_4600 | (Trampoline >> 12));
    }

    /// <summary>What the second vCPU does where the first one wakes it, in real mode.</summary>
    private static Assembler WakeHandler()
    {
        Assembler real = new(bitness: 16);
        real.pushad();
        WriteMsr(real, EndOfInterruptMsr, 0);
        real.popad();
        real.iret();
        return real;
    }

    private static void OnTimer(Assembler c)
    {
        Label done = c.CreateLabel();
        c.inc(__dword_ptr[Ticks]);
        c.test(__dword_ptr[Ticks], TicksPerDot - 1);
        c.jnz(done);
        c.mov(al, (byte)'.');
        Put(c);
        c.Label(ref done);
        WriteMsr(c, CommandMsr, 0x000C_4000 | WakeVector);
        EndOfExternalInterrupt(c);
    }

    private static void OnSerial(Assembler c, HostVendor? calls)
    {
        Label next = c.CreateLabel();
        Label done = c.CreateLabel();
        Label echo = c.CreateLabel();
        c.Label(ref next);
        c.mov(edx, Com1 + 5);
        c.@in(al, dx);
        c.test(al, 1);
        c.jz(done);
        c.mov(edx, Com1);
        c.@in(al, dx);
        c.cmp(al, (byte)'q');
        c.jne(echo);
        c.mov(__dword_ptr[Quits], 1);
        c.jmp(next);
        c.Label(ref echo);
        c.inc(__dword_ptr[Echoed]);
        if (calls is { } vendor)
        {
            c.mov(cl, al);
            c.mov(eax, UnknownHypercall);
            Call(c, vendor);
            c.mov(al, cl);
        }

        Put(c);
        c.jmp(next);
        c.Label(ref done);
        EndOfExternalInterrupt(c);
    }

    private static void Call(Assembler c, HostVendor vendor)
    {
        if (vendor == HostVendor.Intel)
        {
            c.vmcall();
        }
        else
        {
            c.vmmcall();
        }
    }

    private static void OnIpi(Assembler c)
    {
        c.inc(__dword_ptr[Ipis]);
        WriteMsr(c, EndOfInterruptMsr, 0);
    }

    /// <summary>A line with ticks, IPIs and characters in hexadecimal.</summary>
    private static void PrintCounts(Assembler c)
    {
        foreach ((char name, uint word) in new[] { ('t', Ticks), ('i', Ipis), ('e', Echoed) })
        {
            foreach (char each in $" {name}=")
            {
                c.mov(al, (byte)each);
                Put(c);
            }

            Label digit = c.CreateLabel();
            Label small = c.CreateLabel();
            c.mov(ebx, __dword_ptr[word]);
            c.mov(ecx, 8);
            c.Label(ref digit);
            c.rol(ebx, 4);
            c.mov(eax, ebx);
            c.and(eax, 15);
            c.add(al, (byte)'0');
            c.cmp(al, (byte)'9');
            c.jbe(small);
            c.add(al, 'a' - '9' - 1);
            c.Label(ref small);
            Put(c);
            c.dec(ecx);
            c.jnz(digit);
        }

        c.mov(al, (byte)'\n');
        Put(c);
    }

    private static void Put(Assembler c)
    {
        c.mov(edx, Com1);
        c.@out(dx, al);
    }

    private static void EndOfExternalInterrupt(Assembler c)
    {
        c.mov(al, 0x20);
        c.@out(0x20, al);
    }

    private static void EnableApic(Assembler c)
    {
        c.mov(ecx, ApicBaseMsr);
        c.rdmsr();
        c.or(eax, 0xC00);
        c.wrmsr();
        WriteMsr(c, SpuriousMsr, 0x1FF);
    }

    private static void WriteMsr(Assembler c, uint index, uint low)
    {
        c.mov(ecx, index);
        c.mov(eax, low);
        c.xor(edx, edx);
        c.wrmsr();
    }

    private static void Fill(Assembler c, uint address, params ReadOnlySpan<uint> words)
    {
        foreach (uint word in words)
        {
            c.mov(__dword_ptr[address], word);
            address += sizeof(uint);
        }
    }

    private static void Copy(Assembler c, byte[] bytes, uint to)
    {
        for (int offset = 0; offset < bytes.Length; offset++)
        {
            c.mov(__byte_ptr[to + offset], bytes[offset]);
        }
    }

    private static byte[] Bytes(Assembler assembler, uint at)
    {
        MemoryStream bytes = new();
        _ = assembler.Assemble(new StreamCodeWriter(bytes), at);
        return bytes.ToArray();
    }
}
