// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Benchmarks.Engine.Guests;

/// <summary>What the kernel of a guest does all day: exceptions, system calls, and ports.</summary>
internal static class SystemLoops
{
    private const int PageFault = 14;
    private const int SoftwareInterrupt = 0x80;
    private const uint Star = 0xC000_0081;
    private const uint LongStar = 0xC000_0082;
    private const uint FlagMask = 0xC000_0084;
    private const byte CmosAddress = 0x70;
    private const byte CmosData = 0x71;

    /// <summary>A byte of CMOS RAM that means nothing.</summary>
    private const byte CmosByte = 0x7E;

    public static IReadOnlyList<GuestProgram> All { get; } =
    [
        new("exceptions", EmitExceptions, new GuestRounds(100, 200_000, 200_000), 1),
        new("syscall", EmitSystemCalls, new GuestRounds(100, 2_000_000, 4_000_000), 1),
        new("ports", EmitPorts, new GuestRounds(100, 1_000_000, 1_000_000), 1),
    ];

    /// <summary>A round: INT and IRETQ, a load from a page that is not there, a handler that maps it and IRETQ, the
    /// mapping taken back, two INVLPG, CR3 loaded.</summary>
    private static void EmitExceptions(Assembler a, uint rounds)
    {
        Label round = a.CreateLabel();
        Label interrupt = a.CreateLabel();
        Label fault = a.CreateLabel();
        Label end = a.CreateLabel();
        a.mov(edi, GuestLayout.InterruptTable);
        a.xor(eax, eax);
        a.mov(ecx, GuestLayout.PageBytes / sizeof(ulong));
        a.cld();
        a.rep.stosq();
        EmitGate(a, SoftwareInterrupt, interrupt);
        EmitGate(a, PageFault, fault);
        a.push((int)GuestLayout.InterruptTable);
        a.push(0);
        a.mov(__word_ptr[rsp + 6], (int)(GuestLayout.PageBytes - 1));
        a.lidt(__[rsp + 6]);
        a.mov(r15d, rounds);
        a.xor(r8d, r8d);
        a.mov(r10d, GuestLayout.LastPage);
        a.mov(r11d, GuestLayout.LastPageEntry);
        a.mov(r12d, GuestLayout.LastPage | GuestLayout.PageRights);
        a.mov(r13d, GuestLayout.Data);
        a.mov(r14, cr3);
        a.Label(ref round);
        a.@int(SoftwareInterrupt);
        a.mov(__qword_ptr[r11], 0);
        a.invlpg(__[r10]);
        a.add(r8, __[r10]);
        a.invlpg(__[r13]);
        a.mov(cr3, r14);
        a.dec(r15d);
        a.jnz(round);
        a.mov(rax, r8);
        a.jmp(end);
        a.Label(ref interrupt);
        a.inc(r8);
        a.iretq();
        a.Label(ref fault);
        a.mov(__[r11], r12);
        a.add(r8, 0x100);
        a.add(rsp, 8);
        a.iretq();
        a.Label(ref end);
    }

    private static void EmitGate(Assembler a, int vector, Label handler)
    {
        uint gate = GuestLayout.InterruptTable + ((uint)vector * 16);
        a.lea(rax, __[handler]);
        a.mov(__word_ptr[gate], ax);
        a.mov(__word_ptr[gate + 2], (int)GuestLayout.Code64);
        a.mov(__word_ptr[gate + 4], 0x8E00);
        a.shr(rax, 16);
        a.mov(__word_ptr[gate + 6], ax);
    }

    /// <summary>A loop at privilege 3 that does nothing but SYSCALL; its kernel counts and does SYSRET.</summary>
    private static void EmitSystemCalls(Assembler a, uint rounds)
    {
        Label user = a.CreateLabel();
        Label loop = a.CreateLabel();
        Label kernel = a.CreateLabel();
        Label end = a.CreateLabel();
        EmitRegister(a, Star, (GuestLayout.UserBase << 16) | GuestLayout.Code64);
        EmitRegister(a, FlagMask, 0);
        a.lea(rax, __[kernel]);
        a.mov(ecx, LongStar);
        a.xor(edx, edx);
        a.wrmsr();
        a.xor(r8d, r8d);
        a.mov(r15d, rounds);
        a.xor(edi, edi);
        a.lea(rcx, __[user]);
        a.mov(r11d, 2);
        a.sysretq();
        a.Label(ref user);
        a.nop();
        a.Label(ref loop);
        a.mov(eax, r15d);
        a.syscall();
        a.dec(r15d);
        a.jnz(loop);
        a.mov(edi, 1);
        a.syscall();
        a.Label(ref kernel);
        a.test(edi, edi);
        a.jnz(end);
        a.add(r8, rax);
        a.sysretq();
        a.Label(ref end);
        a.mov(rax, r8);
    }

    /// <param name="high">EDX of what is written; EAX is 0.</param>
    private static void EmitRegister(Assembler a, uint register, uint high)
    {
        a.mov(ecx, register);
        a.xor(eax, eax);
        a.mov(edx, high);
        a.wrmsr();
    }

    private static void EmitPorts(Assembler a, uint rounds)
    {
        Label loop = a.CreateLabel();
        a.mov(al, CmosByte);
        a.@out(CmosAddress, al);
        a.mov(r15d, rounds);
        a.xor(edx, edx);
        a.xor(eax, eax);
        a.Label(ref loop);
        a.@out(CmosData, al);
        a.inc(eax);
        a.@in(al, CmosData);
        a.add(rdx, rax);
        a.add(eax, r15d);
        a.dec(r15d);
        a.jnz(loop);
        a.mov(rax, rdx);
    }
}
