// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine.Loaders;
using KvmActors.Machine.Tests.Loaders;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Machine.Tests.BothWays;

/// <summary>A guest that does a little of everything: two vCPUs, paging, faults it mends, timer interrupts, x87, SSE,
/// string instructions, ports, a hypercall, CPUID and the TSC.</summary>
internal static class MixedGuest
{
    public const int Vcpus = 2;

    private const uint Apic = 0xFEE0_0000;
    private const uint CodeAddress = 0x10_000C;
    private const uint Idt = 0x3000;
    private const uint Gdt = 0x2000;
    private const uint Directory = 0x4000;
    private const uint Table = 0x5000;
    private const uint ApicTable = 0x6000;
    private const uint Trampoline = 0x9000;
    private const uint Shared = 0x8000;
    private const uint Ticks = 0x8010;
    private const uint Faults = 0x8018;
    private const uint Numbers = 0x8100;
    private const uint Lazy = 0x20_0000;
    private const int Rounds = 12;
    private const int TimerVector = 0x40;
    private const int PageFaultVector = 14;
    private const uint TimerCount = 177;

    public static VirtualMachine Machine() => VirtualMachine.Create(
        new MachineSpec(Vcpus, MemoryBytes: 3 << 20, HypercallPatchPolicy.Auto, TurnTicks: 97),
        [.. Enumerable.Repeat(TestCpuid.Table, Vcpus)],
        HostVendor.Amd,
        BootImageLoader.Load(ImageBuilder.Elf(is64: false, Bytes(EmitMain(), CodeAddress)), commandLine: ""));

    private static Assembler EmitMain()
    {
        Assembler a = new(bitness: 32);
        a.mov(esp, 0x7_0000);
        Gate(a, TimerVector, EmitTimer);
        Gate(a, PageFaultVector, EmitFault);
        EmitTables(a);
        EmitPaging(a);
        EmitApic(a);
        a.mov(ebp, Rounds);
        Label round = a.CreateLabel();
        a.Label(ref round);
        EmitRound(a);
        a.dec(ebp);
        a.jnz(round);
        a.mov(dx, 0xF4);
        a.mov(eax, __dword_ptr[Shared]);
        a.@out(dx, eax);
        a.hlt();
        return a;
    }

    private static void EmitTimer(Assembler a)
    {
        a.push(eax);
        a.inc(__dword_ptr[Ticks]);
        a.mov(__dword_ptr[Apic + 0xB0], 0);
        a.pop(eax);
        a.iretd();
    }

    /// <summary>#PF: maps the page and tries again.</summary>
    private static void EmitFault(Assembler a)
    {
        a.add(esp, 4);
        a.push(eax);
        a.push(ebx);
        a.inc(__dword_ptr[Faults]);
        a.mov(eax, cr2);
        a.mov(ebx, eax);
        a.shr(ebx, 12);
        a.and(eax, 0xFFFF_F000);
        a.or(eax, 3);
        a.mov(__dword_ptr[(ebx * 4) + Table], eax);
        a.pop(ebx);
        a.pop(eax);
        a.iretd();
    }

    private static void EmitTables(Assembler a)
    {
        a.mov(__dword_ptr[Gdt + 8], 0x0000_FFFF);
        a.mov(__dword_ptr[Gdt + 12], 0x00CF_9B00);
        a.mov(__dword_ptr[Gdt + 16], 0x0000_FFFF);
        a.mov(__dword_ptr[Gdt + 20], 0x00CF_9300);
        TablePointer(a, 0x7800, 0x17, Gdt);
        a.lgdt(__fword_ptr[0x7800]);
        TablePointer(a, 0x7810, 0x7FF, Idt);
        a.lidt(__fword_ptr[0x7810]);

        // A far return to what stands behind it: CALL has pushed where ADD is.
        const int BytesToBehind = 5;
        Label add = a.CreateLabel();
        a.push(8);
        a.call(add);
        a.Label(ref add);
        a.add(__dword_ptr[esp], BytesToBehind);
        a.retf();
        a.mov(eax, 16);
        a.mov(ds, ax);
        a.mov(es, ax);
        a.mov(ss, ax);
    }

    private static void EmitPaging(Assembler a)
    {
        // The first 2 MiB in small pages, the page of the local APIC, and nothing else.
        Label page = a.CreateLabel();
        a.mov(edi, Table);
        a.mov(eax, 3);
        a.mov(ecx, 512);
        a.Label(ref page);
        a.stosd();
        a.add(eax, 0x1000);
        a.dec(ecx);
        a.jnz(page);
        a.mov(__dword_ptr[Directory], Table | 3);
        a.mov(__dword_ptr[Directory + (4 * (Apic >> 22))], ApicTable | 3);
        a.mov(__dword_ptr[ApicTable + (4 * (Apic >> 12 & 0x3FF))], Apic | 3);
        a.mov(eax, Directory);
        a.mov(cr3, eax);
        a.mov(eax, cr4);
        a.or(eax, 0x600);
        a.mov(cr4, eax);
        a.mov(eax, cr0);
        a.or(eax, unchecked((int)0x8001_0022));
        a.mov(cr0, eax);
        a.fninit();
    }

    private static void EmitApic(Assembler a)
    {
        byte[] trampoline = Bytes(EmitOther(), Trampoline);
        for (int offset = 0; offset < trampoline.Length; offset++)
        {
            a.mov(__byte_ptr[Trampoline + offset], trampoline[offset]);
        }

        // The 8259s ask for nothing.
        a.mov(al, -1);
        a.@out(0x21, al);
        a.@out(0xA1, al);
        a.mov(__dword_ptr[Apic + 0xF0], 0x1FF);
        a.mov(__dword_ptr[Apic + 0x300], 0x000C_4500);
        a.mov(__dword_ptr[Apic + 0x300], 0x000C_4609);
        a.mov(__dword_ptr[Apic + 0x3E0], 0xB);
        a.mov(__dword_ptr[Apic + 0x320], 0x2_0000 | TimerVector);
        a.mov(__dword_ptr[Apic + 0x380], TimerCount);
        a.sti();
    }

    private static void EmitRound(Assembler a)
    {
        // x87 and SSE, over numbers that change.
        a.fild(__dword_ptr[Shared]);
        a.fld1();
        a.faddp(st1, st0);
        a.fsqrt();
        a.fst(__qword_ptr[Numbers]);
        a.fldpi();
        a.fmulp(st1, st0);
        a.fistp(__dword_ptr[Numbers + 8]);
        a.cvtsi2sd(xmm0, ebp);
        a.movsd(xmm1, __qword_ptr[Numbers]);
        a.divsd(xmm1, xmm0);
        a.addpd(xmm2, xmm1);
        a.pshufd(xmm3, xmm2, 0x4E);
        a.pxor(xmm4, xmm3);
        a.movups(__xmmword_ptr[Numbers + 0x20], xmm4);

        // A page that is not there yet, then moves, then a write that changes code.
        a.mov(edi, ebp);
        a.shl(edi, 12);
        a.add(edi, unchecked((int)Lazy) - 0x8);
        a.mov(ecx, 5);
        a.mov(eax, ebp);
        a.rep.stosd();
        a.mov(esi, 0x8000);
        a.mov(edi, 0x8203);
        a.mov(ecx, 19);
        a.rep.movsb();
        const int BytesToOperand = 7;
        Label here = a.CreateLabel();
        a.call(here);
        a.Label(ref here);
        a.pop(eax);
        a.mov(edx, ebp);
        a.mov(__byte_ptr[eax + BytesToOperand], dl);
        a.mov(al, 0);
        a.@lock.add(__dword_ptr[Shared], eax);

        // The world: ports, CPUID, the TSC, a hypercall of the other vendor, a wait for the timer.
        a.mov(dx, 0x3F8);
        a.mov(al, (sbyte)'.');
        a.@out(dx, al);
        a.mov(dx, 0x40);
        a.@in(al, dx);
        a.xor(eax, eax);
        a.xor(ecx, ecx);
        a.cpuid();
        a.rdtsc();
        a.xor(__dword_ptr[Shared + 4], eax);
        a.mov(eax, 1);
        a.xor(ebx, ebx);
        a.vmcall();
        a.hlt();
    }

    /// <summary>The second vCPU, in real mode: counts, and computes with x87.</summary>
    private static Assembler EmitOther()
    {
        Assembler a = new(bitness: 16);
        Label again = a.CreateLabel();
        a.xor(ax, ax);
        a.mov(ds, ax);
        a.fninit();
        a.fldpi();
        a.Label(ref again);
        a.@lock.inc(__dword_ptr[(ushort)Shared]);
        a.fld1();
        a.fadd(st1, st0);
        a.fptan();
        a.fstp(st0);
        a.fstp(__qword_ptr[(ushort)(Numbers + 0x40)]);
        a.jmp(again);
        return a;
    }

    /// <summary>The handler stands behind a CALL, which so pushes where it is.</summary>
    private static void Gate(Assembler a, int vector, Action<Assembler> handler)
    {
        Label behind = a.CreateLabel();
        a.call(behind);
        handler(a);
        a.Label(ref behind);
        a.pop(eax);
        a.mov(ebx, eax);
        a.and(eax, 0xFFFF);
        a.or(eax, 8 << 16);
        a.and(ebx, 0xFFFF_0000);
        a.or(ebx, 0x8E00);
        a.mov(__dword_ptr[Idt + (vector * 8)], eax);
        a.mov(__dword_ptr[Idt + (vector * 8) + 4], ebx);
    }

    private static void TablePointer(Assembler a, uint at, int limit, uint start)
    {
        a.mov(__word_ptr[at], limit);
        a.mov(__dword_ptr[at + 2], start);
    }

    private static byte[] Bytes(Assembler assembler, uint at)
    {
        MemoryStream bytes = new();
        _ = assembler.Assemble(new StreamCodeWriter(bytes), at);
        return bytes.ToArray();
    }
}
