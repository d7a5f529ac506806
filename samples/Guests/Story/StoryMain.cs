// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Hypercalls;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Samples.Guests.Story;

/// <summary>The 64-bit program from its first instruction to the end.</summary>
internal static class StoryMain
{
    public static byte[] Assemble(GuestProgram program)
    {
        Assembler c = program.Code;
        EmitStart(program);
        CpuidReport.EmitReport(program);
        ExceptionProof.EmitSetUp(program);
        ExceptionProof.EmitProof(program);
        HypercallSites.EmitAtStart(program);
        EmitRounds(program);
        EmitEnd(program);

        SerialRoutines.EmitRoutines(program);
        CpuidReport.EmitSumRoutine(program);
        ExceptionProof.EmitReportRoutine(program);
        HypercallSites.EmitCheckRoutine(program);
        Sha256Routine.EmitRoutine(program);

        MemoryStream bytes = new();
        _ = c.Assemble(new StreamCodeWriter(bytes), GuestLayout.Code);
        return bytes.ToArray();
    }

    private static void EmitStart(GuestProgram program)
    {
        Assembler c = program.Code;
        c.mov(eax, (int)GuestLayout.DataSelector);
        c.mov(ds, ax);
        c.mov(es, ax);
        c.mov(ss, ax);
        c.xor(eax, eax);
        c.mov(fs, ax);
        c.mov(gs, ax);
        c.mov(esp, GuestLayout.StackTop);
        SerialRoutines.EmitSetUp(program);
        // Texts of one length, so that a guest built for either maker retires as many instructions.
        program.Say(program.BuiltFor switch
        {
            HostVendor.Intel => "story: 64-bit guest, hypercall instruction 0f01c1\n",
            HostVendor.Amd => "story: 64-bit guest, hypercall instruction 0f01d9\n",
        });
        EmitMultiboot(program);
    }

    private static void EmitMultiboot(GuestProgram program)
    {
        const int UpperMemory = 8;
        const int CommandLine = 16;
        Assembler c = program.Code;
        program.Say("multiboot: KiB above 1 MiB: ");
        c.mov(rbx, __qword_ptr[GuestVariables.MultibootInformation]);
        c.mov(eax, __dword_ptr[rbx + UpperMemory]);
        c.call(program.PutDecimal);
        program.Say(", command line: ");
        c.mov(esi, __dword_ptr[rbx + CommandLine]);
        c.call(program.PutText);
        program.Say("\n");
    }

    private static void EmitRounds(GuestProgram program)
    {
        Assembler c = program.Code;
        Label round = c.CreateLabel();
        c.mov(rax, StoryGuest.GeneratorSeed);
        c.mov(__qword_ptr[GuestVariables.Generator], rax);
        Sha256Routine.EmitSetUp(program);
        SieveRoutine.EmitSetUp(program);
        c.xor(r12d, r12d);
        c.Label(ref round);
        GateRoutine.EmitGate(program);
        HypercallSites.EmitInRound(program);
        EmitFillAndHash(program);
        SieveRoutine.EmitSegment(program);
        EmitChecks(program);
        EmitProgress(program);
        c.inc(r12d);
        c.cmp(r12d, program.Size.Rounds);
        c.jb(round);
    }

    private static void EmitFillAndHash(GuestProgram program)
    {
        Assembler c = program.Code;
        Label fill = c.CreateLabel();

        // Through the mapping in the higher half, a slot a round.
        c.mov(ebx, r12d);
        c.and(ebx, GuestLayout.BufferSlots - 1);
        c.imul(rbx, rbx, GuestLayout.BufferSlotBytes);
        c.mov(rax, GuestLayout.HighHalf + GuestLayout.Buffers);
        c.add(rbx, rax);
        c.mov(rdi, rbx);
        c.mov(rax, __qword_ptr[GuestVariables.Generator]);
        c.mov(r8, StoryGuest.GeneratorFactor);
        c.mov(r9, StoryGuest.GeneratorSummand);
        c.mov(ecx, program.Size.BufferBytes / 8);
        c.Label(ref fill);
        c.imul(rax, r8);
        c.add(rax, r9);
        c.stosq();
        c.dec(ecx);
        c.jnz(fill);
        c.mov(__qword_ptr[GuestVariables.Generator], rax);
        c.mov(rsi, rbx);
        c.mov(edi, program.Size.BufferBytes / 64);
        c.call(program.HashBlocks);
    }

    /// <summary>CPUID must say what it said at the start, and time must go forward: on any host.</summary>
    private static void EmitChecks(GuestProgram program)
    {
        Assembler c = program.Code;
        Label same = c.CreateLabel();
        Label forward = c.CreateLabel();
        c.call(program.SumCpuid);
        c.cmp(rax, __qword_ptr[GuestVariables.CpuidSum]);
        c.je(same);
        c.inc(__qword_ptr[GuestVariables.Failures]);
        program.Say("cpuid: CHANGED\n");
        c.Label(ref same);
        c.rdtsc();
        c.shl(rdx, 32);
        c.or(rax, rdx);
        c.cmp(rax, __qword_ptr[GuestVariables.LastTsc]);
        c.ja(forward);
        c.inc(__qword_ptr[GuestVariables.Failures]);
        program.Say("tsc: went BACK\n");
        c.Label(ref forward);
        c.mov(__qword_ptr[GuestVariables.LastTsc], rax);
    }

    private static void EmitProgress(GuestProgram program)
    {
        Assembler c = program.Code;
        program.Say("round ");
        c.lea(eax, __[r12 + 1]);
        c.call(program.PutDecimal);
        program.Say($"/{program.Size.Rounds} tsc=");
        program.SayDecimal(GuestVariables.LastTsc);
        program.Say(" sha256-state=");
        c.mov(eax, __dword_ptr[GuestVariables.Digest]);
        c.mov(ecx, 8);
        c.call(program.PutHex);
        program.Say(" primes=");
        program.SayDecimal(GuestVariables.Primes);
        program.Say(" hypercalls=");
        program.SayDecimal(GuestVariables.Hypercalls);
        program.Say("\n");
    }

    private static void EmitEnd(GuestProgram program)
    {
        Assembler c = program.Code;
        EmitPadding(program);
        program.Say("DONE sha256=");
        for (int word = 0; word < 8; word++)
        {
            c.mov(eax, __dword_ptr[GuestVariables.Digest + (word * 4)]);
            c.mov(ecx, 8);
            c.call(program.PutHex);
        }

        program.Say(" primes=");
        program.SayDecimal(GuestVariables.Primes);
        program.Say(" hypercalls=");
        program.SayDecimal(GuestVariables.Hypercalls);
        program.Say(" exceptions=");
        program.SayDecimal(GuestVariables.ExceptionCount);
        program.Say(" failures=");
        program.SayDecimal(GuestVariables.Failures);
        program.Say("\n");

        c.xor(eax, eax);
        c.cmp(__qword_ptr[GuestVariables.Failures], 0);
        c.setne(al);
        c.mov(edx, 0xF4);
        c.@out(dx, eax);
        c.cli();
        c.hlt();
    }

    /// <summary>The last block: a one bit, zeros, and the length in bits, big-endian. The rounds hashed whole
    /// blocks.</summary>
    private static void EmitPadding(GuestProgram program)
    {
        Assembler c = program.Code;
        long bits = (long)program.Size.Rounds * program.Size.BufferBytes * 8;
        c.mov(__byte_ptr[GuestVariables.FinalBlock], 0x80);
        c.mov(rax, bits);
        c.bswap(rax);
        c.mov(__qword_ptr[GuestVariables.FinalBlock + 56], rax);
        c.mov(esi, GuestVariables.FinalBlock);
        c.mov(edi, 1);
        c.call(program.HashBlocks);
    }
}
