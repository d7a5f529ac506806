// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Samples.Guests.Story;

/// <summary>A segmented sieve of Eratosthenes: the base primes once, then one segment of numbers a round.</summary>
/// <remarks>A segment holds a byte for each odd number from its start on, zero while it may be prime. The byte of 1 is
/// never crossed out and stands for 2, which has none.</remarks>
internal static class SieveRoutine
{
    /// <summary>The odd primes up to the square root of the last number, as 4-byte words.</summary>
    public static void EmitSetUp(GuestProgram program)
    {
        Assembler c = program.Code;
        int limit = (int)Math.Sqrt((double)program.Size.Rounds * program.Size.SegmentNumbers) + 2;
        const int Sieve = (int)GuestLayout.BaseSieve;
        Label next = c.CreateLabel();
        Label cross = c.CreateLabel();
        Label composite = c.CreateLabel();
        c.mov(ebx, 3);
        c.xor(edi, edi);
        c.Label(ref next);
        c.cmp(__byte_ptr[rbx + Sieve], 0);
        c.jne(composite);
        c.mov(__dword_ptr[rdi * 4 + (int)GuestLayout.BasePrimes], ebx);
        c.inc(edi);
        c.mov(eax, ebx);
        c.imul(eax, ebx);
        Label crossed = c.CreateLabel();
        c.Label(ref cross);
        c.cmp(eax, limit);
        c.ja(crossed);
        c.mov(__byte_ptr[rax + Sieve], 1);
        c.lea(eax, __[rax + rbx * 2]);
        c.jmp(cross);
        c.Label(ref crossed);
        c.nop();
        c.Label(ref composite);
        c.add(ebx, 2);
        c.cmp(ebx, limit);
        c.jbe(next);
        c.mov(__qword_ptr[GuestVariables.BasePrimeCount], rdi);
    }

    /// <summary>Sieves the next segment and adds its primes to the count.</summary>
    public static void EmitSegment(GuestProgram program)
    {
        Assembler c = program.Code;
        int odds = program.Size.SegmentNumbers / 2;
        c.mov(edi, GuestLayout.SieveSegment);
        c.mov(ecx, odds / 8);
        c.xor(eax, eax);
        c.rep.stosq();
        EmitCrossOut(program, odds);
        EmitCount(c, odds);
        c.add(__qword_ptr[GuestVariables.SegmentStart], program.Size.SegmentNumbers);
    }

    private static void EmitCrossOut(GuestProgram program, int odds)
    {
        Assembler c = program.Code;
        Label prime = c.CreateLabel();
        Label square = c.CreateLabel();
        Label odd = c.CreateLabel();
        Label cross = c.CreateLabel();
        Label done = c.CreateLabel();
        c.mov(r8, __qword_ptr[GuestVariables.SegmentStart]);
        c.lea(r9, __[r8 + program.Size.SegmentNumbers]);
        c.xor(esi, esi);
        c.Label(ref prime);
        c.cmp(rsi, __qword_ptr[GuestVariables.BasePrimeCount]);
        c.jae(done);
        c.mov(ebx, __dword_ptr[rsi * 4 + (int)GuestLayout.BasePrimes]);
        c.inc(esi);

        // The first odd multiple from max(p·p, start) on.
        c.mov(rdi, rbx);
        c.imul(rdi, rbx);
        c.cmp(rdi, r9);
        c.jae(done);
        c.cmp(rdi, r8);
        c.jae(square);
        c.lea(rax, __[r8 + rbx - 1]);
        c.xor(edx, edx);
        c.div(rbx);
        c.test(al, 1);
        c.jnz(odd);
        c.inc(rax);
        c.Label(ref odd);
        c.mul(rbx);
        c.mov(rdi, rax);
        c.Label(ref square);
        c.sub(rdi, r8);
        c.shr(rdi, 1);
        Label test = c.CreateLabel();
        c.jmp(test);
        c.Label(ref cross);
        c.mov(__byte_ptr[rdi + (int)GuestLayout.SieveSegment], 1);
        c.add(rdi, rbx);
        c.Label(ref test);
        c.cmp(rdi, odds);
        c.jb(cross);
        c.jmp(prime);
        c.Label(ref done);
        c.nop();
    }

    private static void EmitCount(Assembler c, int odds)
    {
        Label next = c.CreateLabel();
        c.xor(ecx, ecx);
        c.xor(edx, edx);
        c.Label(ref next);
        c.xor(eax, eax);
        c.cmp(__byte_ptr[rcx + (int)GuestLayout.SieveSegment], 0);
        c.sete(al);
        c.add(edx, eax);
        c.inc(ecx);
        c.cmp(ecx, odds);
        c.jb(next);
        c.add(__qword_ptr[GuestVariables.Primes], rdx);
    }
}
