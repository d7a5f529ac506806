// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Samples.Guests.Story;

/// <summary>Reads CPUID and prints it: basic, indexed, extended and hypervisor leaves. Leaves beyond the highest one of
/// their class are not asked for.</summary>
/// <remarks>Source: Intel SDM vol. 2A, "CPUID—CPU Identification"; leaf 0x40000000: Linux v6.19
/// Documentation/virt/kvm/x86/cpuid.rst.</remarks>
internal static class CpuidReport
{
    private const uint ExtendedBase = 0x8000_0000;
    private const uint HypervisorBase = 0x4000_0000;
    private const uint BrandFirst = 0x8000_0002;
    private const uint BrandLast = 0x8000_0004;
    private const int CachesMax = 8;

    public static void EmitReport(GuestProgram program)
    {
        Assembler c = program.Code;
        EmitVendor(program, leaf: 0, "cpuid: vendor ", inEbxEdxEcx: true);
        Label line = EmitLineRoutine(program);
        EmitLeaf(program, line, leaf: 0, subleaf: 0);
        EmitLeaf(program, line, leaf: 1, subleaf: 0);
        EmitCaches(program, line);
        EmitLeaf(program, line, leaf: 7, subleaf: 0);
        EmitLeaf(program, line, leaf: 0xB, subleaf: 0);
        EmitLeaf(program, line, leaf: 0xB, subleaf: 1);
        EmitLeaf(program, line, leaf: 0xD, subleaf: 0);
        EmitLeaf(program, line, ExtendedBase, subleaf: 0);
        EmitLeaf(program, line, ExtendedBase + 1, subleaf: 0);
        EmitBrand(program);

        // 1.ECX[31]: a hypervisor is present, so its leaves are worth asking for.
        Label none = c.CreateLabel();
        Label end = c.CreateLabel();
        c.mov(eax, 1);
        c.xor(ecx, ecx);
        c.cpuid();
        c.bt(ecx, 31);
        c.jnc(none);
        EmitVendor(program, HypervisorBase, "cpuid: hypervisor ", inEbxEdxEcx: false);
        EmitLeaf(program, line, HypervisorBase, subleaf: 0);
        EmitLeaf(program, line, HypervisorBase + 1, subleaf: 0);
        c.jmp(end);
        c.Label(ref none);
        program.Say("cpuid: no hypervisor\n");
        c.Label(ref end);

        c.call(program.SumCpuid);
        c.mov(__qword_ptr[GuestVariables.CpuidSum], rax);
    }

    /// <summary>RAX: every register of some leaves that hold for the guest's whole life, folded together.</summary>
    public static void EmitSumRoutine(GuestProgram program)
    {
        Assembler c = program.Code;
        Label start = program.SumCpuid;
        c.Label(ref start);
        c.push(rbx);
        c.xor(r8d, r8d);
        foreach (uint leaf in (uint[])[0, 1, 4, 7, HypervisorBase, HypervisorBase + 1, ExtendedBase, ExtendedBase + 1])
        {
            c.mov(eax, leaf);
            c.xor(ecx, ecx);
            c.cpuid();
            foreach (AssemblerRegister64 register in (AssemblerRegister64[])[rax, rbx, rcx, rdx])
            {
                c.rol(r8, 7);
                c.xor(r8, register);
            }
        }

        c.mov(rax, r8);
        c.pop(rbx);
        c.ret();
    }

    /// <summary>A routine that asks for leaf R12 and subleaf R13 and prints one line. Leaves EAX as read in
    /// R14.</summary>
    private static Label EmitLineRoutine(GuestProgram program)
    {
        Assembler c = program.Code;
        Label over = c.CreateLabel();
        Label start = c.CreateLabel();
        c.jmp(over);
        c.Label(ref start);
        program.Say("cpuid: ");
        c.mov(eax, r12d);
        c.mov(ecx, 8);
        c.call(program.PutHex);
        program.Say(".");
        c.mov(eax, r13d);
        c.mov(ecx, 2);
        c.call(program.PutHex);
        c.mov(eax, r12d);
        c.mov(ecx, r13d);
        c.cpuid();
        c.mov(r14d, eax);
        c.push(rdx);
        c.push(rcx);
        c.push(rbx);
        c.push(rax);
        foreach (string name in (string[])[" eax=", " ebx=", " ecx=", " edx="])
        {
            program.Say(name);
            c.pop(rax);
            c.mov(ecx, 8);
            c.call(program.PutHex);
        }

        program.Say("\n");
        c.ret();
        c.Label(ref over);
        return start;
    }

    private static void EmitLeaf(GuestProgram program, Label line, uint leaf, uint subleaf)
    {
        Assembler c = program.Code;
        Label beyond = c.CreateLabel();
        c.mov(eax, leaf & 0xF000_0000);
        c.xor(ecx, ecx);
        c.cpuid();
        c.cmp(eax, leaf);
        c.jb(beyond);
        c.mov(r12d, leaf);
        c.mov(r13d, subleaf);
        c.call(line);
        c.Label(ref beyond);
    }

    private static void EmitCaches(GuestProgram program, Label line)
    {
        Assembler c = program.Code;
        Label end = c.CreateLabel();
        Label next = c.CreateLabel();
        c.xor(eax, eax);
        c.xor(ecx, ecx);
        c.cpuid();
        c.cmp(eax, 4);
        c.jb(end);
        c.mov(r12d, 4);
        c.xor(r13d, r13d);
        c.Label(ref next);
        c.call(line);

        // EAX[4:0] = 0: no more caches.
        c.test(r14d, 0x1F);
        c.jz(end);
        c.inc(r13d);
        c.cmp(r13d, CachesMax);
        c.jb(next);
        c.Label(ref end);
    }

    private static void EmitVendor(GuestProgram program, uint leaf, string title, bool inEbxEdxEcx)
    {
        Assembler c = program.Code;
        c.mov(eax, leaf);
        c.xor(ecx, ecx);
        c.cpuid();
        c.mov(__dword_ptr[GuestVariables.Text], ebx);
        c.mov(__dword_ptr[GuestVariables.Text + 4], inEbxEdxEcx ? edx : ecx);
        c.mov(__dword_ptr[GuestVariables.Text + 8], inEbxEdxEcx ? ecx : edx);
        c.mov(__byte_ptr[GuestVariables.Text + 12], 0);
        SayText(program, title);
    }

    private static void EmitBrand(GuestProgram program)
    {
        Assembler c = program.Code;
        Label end = c.CreateLabel();
        c.mov(eax, ExtendedBase);
        c.xor(ecx, ecx);
        c.cpuid();
        c.cmp(eax, BrandLast);
        c.jb(end);
        for (uint leaf = BrandFirst; leaf <= BrandLast; leaf++)
        {
            uint at = GuestVariables.Text + ((leaf - BrandFirst) * 16);
            c.mov(eax, leaf);
            c.xor(ecx, ecx);
            c.cpuid();
            c.mov(__dword_ptr[at], eax);
            c.mov(__dword_ptr[at + 4], ebx);
            c.mov(__dword_ptr[at + 8], ecx);
            c.mov(__dword_ptr[at + 12], edx);
        }

        c.mov(__byte_ptr[GuestVariables.Text + 48], 0);
        SayText(program, "cpuid: brand ");
        c.Label(ref end);
    }

    private static void SayText(GuestProgram program, string title)
    {
        program.Say(title);
        program.Code.mov(esi, GuestVariables.Text);
        program.Code.call(program.PutText);
        program.Say("\n");
    }
}
