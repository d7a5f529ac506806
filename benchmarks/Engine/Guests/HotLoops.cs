// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Benchmarks.Engine.Guests;

/// <summary>The four programs of the geometric means: registers only, memory from end to end, calls, and branches that
/// are hard to foresee. R15D counts the rounds.</summary>
internal static class HotLoops
{
    public const int MemoryWords = 2 << 20;
    public const uint FibonacciOf = 24;
    public const int SieveNumbers = 4 << 20;
    public const int SieveRoot = 2048;
    private const double Goal = 1.5;

    public static IReadOnlyList<GuestProgram> All { get; } =
    [
        new("alu", EmitAlu, new GuestRounds(1, 14_000_000, 250_000_000), Goal)
        {
            IsHotLoop = true, Plain = PlainLoops.Alu,
        },
        new("mem", EmitMemory, new GuestRounds(1, 13, 41), Goal) { IsHotLoop = true, Plain = PlainLoops.Memory },
        new("fib", EmitFibonacci, new GuestRounds(1, 150, 350), Goal)
        {
            IsHotLoop = true, Plain = PlainLoops.Fibonacci,
        },
        new("sieve", EmitSieve, new GuestRounds(1, 4, 9), Goal) { IsHotLoop = true, Plain = PlainLoops.Sieve },
    ];

    private static void EmitAlu(Assembler a, uint rounds)
    {
        Label loop = a.CreateLabel();
        a.mov(r15d, rounds);
        a.mov(rax, 0x0123_4567_89AB_CDEF);
        a.mov(rbx, 0x0FED_CBA9_8765_4321);
        a.xor(r8d, r8d);
        a.xor(r9d, r9d);
        a.Label(ref loop);
        a.add(rax, rbx);
        a.adc(r8, 0);
        a.xor(rbx, rax);
        a.rol(rax, 13);
        a.imul(rdx, rax, 0x1E37_79B1);
        a.lea(rsi, __[rdx + (rax * 2) + 5]);
        a.sub(rsi, r15);
        a.mov(edi, esi);
        a.and(edi, 0xFFFF);
        a.add(r8, rdi);
        a.shr(rsi, 7);
        a.xor(r8, rsi);
        a.cmp(r8, rbx);
        a.cmovb(r9, rax);
        a.dec(r15d);
        a.jnz(loop);
        a.mov(rax, r8);
        a.xor(rax, r9);
        a.add(rax, rbx);
    }

    private static void EmitMemory(Assembler a, uint rounds)
    {
        Label fill = a.CreateLabel();
        Label round = a.CreateLabel();
        Label copy = a.CreateLabel();
        Label sum = a.CreateLabel();
        a.mov(r15d, rounds);
        a.mov(edi, GuestLayout.Data);
        a.mov(ecx, MemoryWords);
        a.mov(eax, 1);
        a.Label(ref fill);
        a.mov(__[rdi], rax);
        a.add(rax, 0x123_4567);
        a.add(rdi, 8);
        a.dec(ecx);
        a.jnz(fill);
        a.xor(edx, edx);
        a.Label(ref round);
        a.mov(esi, GuestLayout.Data);
        a.mov(edi, GuestLayout.Destination);
        a.mov(ecx, MemoryWords);
        a.Label(ref copy);
        a.mov(rax, __[rsi]);
        a.mov(__[rdi], rax);
        a.add(rsi, 8);
        a.add(rdi, 8);
        a.sub(ecx, 1);
        a.jnz(copy);
        a.mov(ecx, MemoryWords);
        a.mov(esi, GuestLayout.Destination);
        a.Label(ref sum);
        a.add(rdx, __[rsi + (rcx * 8) - 8]);
        a.dec(rcx);
        a.jnz(sum);
        a.dec(r15d);
        a.jnz(round);
        a.mov(rax, rdx);
    }

    private static void EmitFibonacci(Assembler a, uint rounds)
    {
        Label round = a.CreateLabel();
        Label function = a.CreateLabel();
        Label small = a.CreateLabel();
        Label end = a.CreateLabel();
        a.mov(r15d, rounds);
        a.xor(r14d, r14d);
        a.Label(ref round);
        a.mov(edi, FibonacciOf);
        a.call(function);
        a.add(r14, rax);
        a.dec(r15d);
        a.jnz(round);
        a.mov(rax, r14);
        a.jmp(end);
        a.Label(ref function);
        a.cmp(edi, 2);
        a.jb(small);
        a.push(rbx);
        a.push(rdi);
        a.lea(edi, __[rdi - 1]);
        a.call(function);
        a.mov(ebx, eax);
        a.pop(rdi);
        a.sub(edi, 2);
        a.call(function);
        a.add(eax, ebx);
        a.pop(rbx);
        a.ret();
        a.Label(ref small);
        a.mov(eax, edi);
        a.ret();
        a.Label(ref end);
    }

    private static void EmitSieve(Assembler a, uint rounds)
    {
        Label round = a.CreateLabel();
        Label clear = a.CreateLabel();
        a.mov(r15d, rounds);
        a.xor(r14d, r14d);
        a.Label(ref round);
        a.mov(edi, GuestLayout.Data);
        a.xor(ecx, ecx);
        a.Label(ref clear);
        a.mov(__byte_ptr[rdi + rcx], 0);
        a.inc(rcx);
        a.cmp(rcx, SieveNumbers);
        a.jb(clear);
        EmitMarking(a);
        EmitCount(a);
        a.add(r14, rax);
        a.dec(r15d);
        a.jnz(round);
        a.mov(rax, r14);
    }

    private static void EmitMarking(Assembler a)
    {
        Label outer = a.CreateLabel();
        Label inner = a.CreateLabel();
        Label next = a.CreateLabel();
        a.mov(esi, 2);
        a.Label(ref outer);
        a.cmp(__byte_ptr[rdi + rsi], 0);
        a.jne(next);
        a.mov(rax, rsi);
        a.imul(rax, rsi);
        a.cmp(rax, SieveNumbers);
        a.jae(next);
        a.Label(ref inner);
        a.mov(__byte_ptr[rdi + rax], 1);
        a.add(rax, rsi);
        a.cmp(rax, SieveNumbers);
        a.jb(inner);
        a.Label(ref next);
        a.inc(rsi);
        a.cmp(rsi, SieveRoot);
        a.jb(outer);
    }

    private static void EmitCount(Assembler a)
    {
        Label count = a.CreateLabel();
        a.xor(eax, eax);
        a.mov(ecx, 2);
        a.Label(ref count);
        a.movzx(edx, __byte_ptr[rdi + rcx]);
        a.test(dl, dl);
        a.setz(dl);
        a.movzx(edx, dl);
        a.add(rax, rdx);
        a.inc(rcx);
        a.cmp(rcx, SieveNumbers);
        a.jb(count);
    }
}
