// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Samples.Guests.Story;

/// <summary>SHA-256 in integer instructions.</summary>
/// <remarks>Source: FIPS 180-4, sections 4.1.2, 4.2.2, 5.3.3 and 6.2. The constants are derived as the standard defines
/// them: the fractional parts of the square and cube roots of the first primes.</remarks>
internal static class Sha256Routine
{
    private static AssemblerRegister32[] WorkingVariables => [r8d, r9d, r10d, r11d, r12d, r13d, r14d, r15d];

    /// <summary>Puts the initial value into the digest.</summary>
    public static void EmitSetUp(GuestProgram program)
    {
        uint initial = program.Data.UInt32s(FractionalRoots(count: 8, root: 2));
        Assembler c = program.Code;
        c.mov(esi, initial);
        c.mov(edi, GuestVariables.Digest);
        c.mov(ecx, 8);
        c.rep.movsd();
    }

    /// <summary>The routine behind <see cref="GuestProgram.HashBlocks"/>.</summary>
    public static void EmitRoutine(GuestProgram program)
    {
        Assembler c = program.Code;
        uint constants = program.Data.UInt32s(FractionalRoots(count: 64, root: 3));
        Label start = program.HashBlocks;
        Label block = c.CreateLabel();
        AssemblerRegister64[] saved = [rbx, rbp, r12, r13, r14, r15];
        c.Label(ref start);
        foreach (AssemblerRegister64 register in saved)
        {
            c.push(register);
        }

        c.mov(rbp, rdi);
        c.Label(ref block);
        EmitSchedule(c);
        EmitRounds(c, constants);
        c.add(rsi, 64);
        c.dec(rbp);
        c.jnz(block);
        foreach (AssemblerRegister64 register in saved.Reverse())
        {
            c.pop(register);
        }

        c.ret();
    }

    /// <summary>W[0..15] from the block at RSI, W[16..63] from those.</summary>
    private static void EmitSchedule(Assembler c)
    {
        const int Schedule = (int)GuestLayout.Schedule;
        Label copy = c.CreateLabel();
        Label extend = c.CreateLabel();
        c.xor(edi, edi);
        c.Label(ref copy);
        c.mov(eax, __dword_ptr[rsi + rdi]);
        c.bswap(eax);
        c.mov(__dword_ptr[rdi + Schedule], eax);
        c.add(edi, 4);
        c.cmp(edi, 16 * 4);
        c.jb(copy);

        c.Label(ref extend);
        c.mov(eax, __dword_ptr[rdi + (Schedule - (15 * 4))]);
        SmallSigma(c, eax, ebx, ecx, 7, 18, 3);
        c.mov(edx, __dword_ptr[rdi + (Schedule - (2 * 4))]);
        SmallSigma(c, edx, ebx, ecx, 17, 19, 10);
        c.add(eax, __dword_ptr[rdi + (Schedule - (16 * 4))]);
        c.add(eax, __dword_ptr[rdi + (Schedule - (7 * 4))]);
        c.add(eax, edx);
        c.mov(__dword_ptr[rdi + Schedule], eax);
        c.add(edi, 4);
        c.cmp(edi, 64 * 4);
        c.jb(extend);
    }

    private static void SmallSigma(
        Assembler c,
        AssemblerRegister32 x,
        AssemblerRegister32 scratch1,
        AssemblerRegister32 scratch2,
        byte rotate1,
        byte rotate2,
        byte shift)
    {
        c.mov(scratch1, x);
        c.mov(scratch2, x);
        c.ror(x, rotate1);
        c.ror(scratch1, rotate2);
        c.shr(scratch2, shift);
        c.xor(x, scratch1);
        c.xor(x, scratch2);
    }

    private static void EmitRounds(Assembler c, uint constants)
    {
        const int Unrolled = 8;
        AssemblerRegister32[] variables = WorkingVariables;
        Label next = c.CreateLabel();
        for (int i = 0; i < variables.Length; i++)
        {
            c.mov(variables[i], __dword_ptr[GuestVariables.Digest + (i * 4)]);
        }

        c.xor(edi, edi);
        c.Label(ref next);
        for (int i = 0; i < Unrolled; i++)
        {
            // The variables shift by one each round; renaming them does that without moves.
            AssemblerRegister32 Named(int index) => variables[(index - i + 8) % 8];
            EmitRound(c, Named, i, constants);
        }

        c.add(edi, Unrolled * 4);
        c.cmp(edi, 64 * 4);
        c.jb(next);
        for (int i = 0; i < variables.Length; i++)
        {
            c.add(__dword_ptr[GuestVariables.Digest + (i * 4)], variables[i]);
        }
    }

    private static void EmitRound(Assembler c, Func<int, AssemblerRegister32> named, int i, uint constants)
    {
        (AssemblerRegister32 a, AssemblerRegister32 b, AssemblerRegister32 cc) = (named(0), named(1), named(2));
        (AssemblerRegister32 e, AssemblerRegister32 f, AssemblerRegister32 g) = (named(4), named(5), named(6));
        AssemblerRegister32 h = named(7);

        BigSigma(c, e, 6, 11, 25);
        c.mov(ecx, f);
        c.xor(ecx, g);
        c.and(ecx, e);
        c.xor(ecx, g);
        c.add(h, eax);
        c.add(h, ecx);
        c.add(h, __dword_ptr[rdi + ((int)constants + (i * 4))]);
        c.add(h, __dword_ptr[rdi + ((int)GuestLayout.Schedule + (i * 4))]);
        c.add(named(3), h);

        BigSigma(c, a, 2, 13, 22);
        c.mov(ecx, b);
        c.mov(edx, b);
        c.xor(ecx, cc);
        c.and(edx, cc);
        c.and(ecx, a);
        c.xor(ecx, edx);
        c.add(h, eax);
        c.add(h, ecx);
    }

    /// <summary>EAX: x rotated by three amounts, ascending, xor-ed together.</summary>
    private static void BigSigma(Assembler c, AssemblerRegister32 x, byte rotate1, byte rotate2, byte rotate3)
    {
        c.mov(eax, x);
        c.mov(ebx, x);
        c.ror(eax, rotate1);
        c.ror(ebx, rotate2);
        c.xor(eax, ebx);
        c.ror(ebx, (byte)(rotate3 - rotate2));
        c.xor(eax, ebx);
    }

    /// <summary>floor(2^32 · frac(p^(1/root))) for the first primes p.</summary>
    private static uint[] FractionalRoots(int count, int root)
    {
        uint[] result = new uint[count];
        int found = 0;
        for (int candidate = 2; found < count; candidate++)
        {
            if (Enumerable.Range(2, candidate - 2).All(divisor => candidate % divisor != 0))
            {
                result[found++] = (uint)FloorRoot((UInt128)candidate << (32 * root), root);
            }
        }

        return result;
    }

    private static ulong FloorRoot(UInt128 value, int root)
    {
        (ulong low, ulong high) = (0, 1UL << 36);
        while (high - low > 1)
        {
            ulong middle = low + ((high - low) / 2);
            UInt128 power = middle;
            for (int i = 1; i < root; i++)
            {
                power *= middle;
            }

            (low, high) = power <= value ? (middle, high) : (low, middle);
        }

        return low;
    }
}
