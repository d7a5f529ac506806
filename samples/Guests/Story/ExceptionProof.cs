// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Samples.Guests.Story;

/// <summary>Installs an IDT, then raises exceptions and checks vector, error code and RIP of each; #PF is repaired by
/// the handler and the access resumed.</summary>
/// <remarks>Source: Intel SDM vol. 3A, section 6.14 "Exception and Interrupt Handling in 64-bit Mode".</remarks>
internal static class ExceptionProof
{
    private const int SoftwareVector = 0x30;
    private const int Vectors = SoftwareVector + 1;
    private const int SavedBytes = 9 * 8;
    private const ulong NonCanonical = 0x0000_8000_0000_0000;

    private static ReadOnlySpan<byte> VectorsWithErrorCode => [8, 10, 11, 12, 13, 14, 17, 21, 29, 30];

    /// <summary>Fills the IDT and loads it.</summary>
    public static void EmitSetUp(GuestProgram program)
    {
        Assembler c = program.Code;
        Label over = c.CreateLabel();
        Label common = c.CreateLabel();
        var stubs = new Label[Vectors];
        c.jmp(over);
        for (int vector = 0; vector < Vectors; vector++)
        {
            stubs[vector] = c.CreateLabel();
            c.Label(ref stubs[vector]);
            if (!VectorsWithErrorCode.Contains((byte)vector))
            {
                c.push(0);
            }

            c.push(vector);
            c.jmp(common);
        }

        EmitCommonHandler(program, ref common);
        Label gate = EmitGateRoutine(program);
        c.Label(ref over);
        for (int vector = 0; vector < Vectors; vector++)
        {
            c.lea(rax, __[stubs[vector]]);
            c.mov(edi, vector);
            c.call(gate);
        }

        uint pointer = program.Data.TablePointer((Vectors * 16) - 1, GuestLayout.Idt);
        c.lidt(__[pointer]);
    }

    /// <summary>Raises each exception and prints what came.</summary>
    public static void EmitProof(GuestProgram program)
    {
        Assembler c = program.Code;
        EmitFault(program, "#DE", vector: 0, error: 0, () =>
        {
            c.mov(eax, 7);
            c.xor(edx, edx);
            c.xor(ecx, ecx);
        }, () => c.div(ecx));
        EmitTrap(program, "#BP", vector: 3, c.int3);
        EmitFault(program, "#UD", vector: 6, error: 0, () => { }, c.ud2);
        EmitFault(
            program, "#GP", vector: 13, error: 0, () => c.mov(rbx, NonCanonical), () => c.mov(rax, __qword_ptr[rbx]));
        EmitTrap(program, "INT 0x30", SoftwareVector, () => c.@int(SoftwareVector));

        // Error code bit 0: the page is there, bit 1: a write. Source: Intel SDM vol. 3A, section 4.7.
        EmitPageFault(program, "#PF missing page", GuestLayout.MissingPage, error: 2);
        EmitPageFault(program, "#PF read-only page", GuestLayout.ReadOnlyPage, error: 3);
    }

    /// <summary>The routine behind <see cref="GuestProgram.ReportException"/>.</summary>
    public static void EmitReportRoutine(GuestProgram program)
    {
        Assembler c = program.Code;
        Label start = program.ReportException;
        Label wrong = c.CreateLabel();
        Label end = c.CreateLabel();
        c.Label(ref start);
        c.push(r8);
        c.push(rsi);
        program.Say("exception: ");
        c.pop(rsi);
        c.call(program.PutText);
        program.Say(" error=0x");
        c.mov(rax, __qword_ptr[GuestVariables.ExceptionError]);
        c.mov(ecx, 4);
        c.call(program.PutHex);
        c.pop(r8);
        c.mov(__qword_ptr[GuestVariables.ExceptionExpected], 0);
        c.cmp(r8, __qword_ptr[GuestVariables.ExceptionVector]);
        c.jne(wrong);
        c.cmp(r9, __qword_ptr[GuestVariables.ExceptionError]);
        c.jne(wrong);
        c.cmp(r10, __qword_ptr[GuestVariables.ExceptionRip]);
        c.jne(wrong);
        program.Say(" as expected\n");
        c.jmp(end);
        c.Label(ref wrong);
        c.inc(__qword_ptr[GuestVariables.Failures]);
        program.Say(" NOT as expected\n");
        c.Label(ref end);
        c.ret();
    }

    private static void EmitFault(
        GuestProgram program,
        string name,
        int vector,
        int error,
        Action prepare,
        Action raise)
    {
        Assembler c = program.Code;
        Label at = c.CreateLabel();
        Label behind = c.CreateLabel();
        Expect(program, vector);
        c.lea(rax, __[behind]);
        c.mov(__qword_ptr[GuestVariables.ExceptionResume], rax);
        prepare();
        c.Label(ref at);
        raise();
        c.Label(ref behind);
        Report(program, name, vector, error, at);
    }

    private static void EmitTrap(GuestProgram program, string name, int vector, Action raise)
    {
        Assembler c = program.Code;
        Label behind = c.CreateLabel();
        Expect(program, vector);
        c.mov(__qword_ptr[GuestVariables.ExceptionResume], 0);
        raise();
        c.Label(ref behind);
        Report(program, name, vector, error: 0, behind);
    }

    private static void EmitPageFault(GuestProgram program, string name, uint page, int error)
    {
        Assembler c = program.Code;
        const int Probe = 0x0BAD_F00D;
        Label at = c.CreateLabel();
        Label repaired = c.CreateLabel();
        Expect(program, vector: 14);
        c.mov(__qword_ptr[GuestVariables.ExceptionResume], 0);
        c.mov(ebx, page + 0x120);
        c.Label(ref at);
        c.mov(__dword_ptr[rbx], Probe);
        Report(program, name, vector: 14, error, at);

        Label wrong = c.CreateLabel();
        c.cmp(__dword_ptr[rbx], Probe);
        c.jne(wrong);
        c.cmp(__qword_ptr[GuestVariables.ExceptionCr2], rbx);
        c.je(repaired);
        c.Label(ref wrong);
        c.inc(__qword_ptr[GuestVariables.Failures]);
        c.Label(ref repaired);
    }

    private static void Expect(GuestProgram program, int vector)
    {
        program.Code.mov(__qword_ptr[GuestVariables.ExceptionVector], -1);
        program.Code.mov(__qword_ptr[GuestVariables.ExceptionExpected], vector + 1);
    }

    private static void Report(GuestProgram program, string name, int vector, int error, Label rip)
    {
        Assembler c = program.Code;
        c.lea(r10, __[rip]);
        c.mov(r8d, vector);
        c.mov(r9d, error);
        c.mov(esi, program.Data.Text(name));
        c.call(program.ReportException);
    }

    /// <summary>RDI: vector, RAX: handler. Writes a 64-bit interrupt gate.</summary>
    private static Label EmitGateRoutine(GuestProgram program)
    {
        Assembler c = program.Code;
        Label start = c.CreateLabel();
        const short InterruptGate = unchecked((short)0x8E00);
        c.Label(ref start);
        c.shl(edi, 4);
        c.add(rdi, (int)GuestLayout.Idt);
        c.mov(__word_ptr[rdi], ax);
        c.mov(__word_ptr[rdi + 2], GuestLayout.CodeSelector);
        c.mov(__word_ptr[rdi + 4], InterruptGate);
        c.shr(rax, 16);
        c.mov(__word_ptr[rdi + 6], ax);
        c.shr(rax, 16);
        c.mov(__dword_ptr[rdi + 8], eax);
        c.mov(__dword_ptr[rdi + 12], 0);
        c.ret();
        return start;
    }

    private static void EmitCommonHandler(GuestProgram program, ref Label common)
    {
        Assembler c = program.Code;
        AssemblerRegister64[] saved = [rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11];
        Label unexpected = c.CreateLabel();
        Label resume = c.CreateLabel();
        Label leave = c.CreateLabel();
        c.Label(ref common);
        foreach (AssemblerRegister64 register in saved)
        {
            c.push(register);
        }

        Copy(c, SavedBytes, GuestVariables.ExceptionVector);
        Copy(c, SavedBytes + 8, GuestVariables.ExceptionError);
        Copy(c, SavedBytes + 16, GuestVariables.ExceptionRip);
        c.mov(rax, cr2);
        c.mov(__qword_ptr[GuestVariables.ExceptionCr2], rax);
        c.inc(__qword_ptr[GuestVariables.ExceptionCount]);
        c.mov(rax, __qword_ptr[GuestVariables.ExceptionVector]);
        c.inc(rax);
        c.cmp(rax, __qword_ptr[GuestVariables.ExceptionExpected]);
        c.jne(unexpected);
        c.cmp(rax, 14 + 1);
        c.jne(resume);
        EmitRepairPage(c);
        c.jmp(leave);
        c.Label(ref resume);
        c.mov(rax, __qword_ptr[GuestVariables.ExceptionResume]);
        c.test(rax, rax);
        c.jz(leave);
        c.mov(__qword_ptr[rsp + SavedBytes + 16], rax);
        c.Label(ref leave);
        foreach (AssemblerRegister64 register in saved.Reverse())
        {
            c.pop(register);
        }

        c.add(rsp, 16);
        c.iretq();
        c.Label(ref unexpected);
        EmitUnexpected(program);
    }

    private static void Copy(Assembler c, int fromStack, uint to)
    {
        c.mov(rax, __qword_ptr[rsp + fromStack]);
        c.mov(__qword_ptr[to], rax);
    }

    /// <summary>Maps the page of CR2 to itself, writable.</summary>
    private static void EmitRepairPage(Assembler c)
    {
        c.mov(rax, cr2);
        c.and(rax, -4096);
        c.mov(rcx, rax);
        c.shr(rcx, 12);
        c.or(rax, 3);
        c.mov(__qword_ptr[rcx * 8 + (int)GuestLayout.PageTable], rax);
        c.mov(rax, cr2);
        c.invlpg(__[rax]);
    }

    private static void EmitUnexpected(GuestProgram program)
    {
        Assembler c = program.Code;
        program.Say("exception: UNEXPECTED vector ");
        program.SayDecimal(GuestVariables.ExceptionVector);
        program.Say(" at rip 0x");
        c.mov(rax, __qword_ptr[GuestVariables.ExceptionRip]);
        c.mov(ecx, 16);
        c.call(program.PutHex);
        program.Say(" cr2 0x");
        c.mov(rax, __qword_ptr[GuestVariables.ExceptionCr2]);
        c.mov(ecx, 16);
        c.call(program.PutHex);
        program.Say("\n");
        c.mov(edx, 0xF4);
        c.mov(eax, 1);
        c.@out(dx, eax);
        c.hlt();
    }
}
