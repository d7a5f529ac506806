// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Benchmarks.Engine.Guests;

/// <summary>Memory as a TLB does not like it, and string instructions.</summary>
internal static class MemoryLoops
{
    /// <summary>Loads of a round.</summary>
    private const int RoundLoads = 1000;

    /// <summary>A page and a cache line: each load is in another page.</summary>
    private const int Stride = 4160;

    private const int StrideMask = (16 << 20) - 1;
    private const int RandomMask = (32 << 20) - 8;

    /// <summary>1 MiB filled and copied.</summary>
    private const int StringWords = 128 << 10;

    public static IReadOnlyList<GuestProgram> All { get; } =
    [
        new("tlb", EmitStride, new GuestRounds(20, 4_000, 6_000), 1),
        new("random", EmitRandom, new GuestRounds(20, 2_000, 4_000), 1),
        new("rep", EmitStrings, new GuestRounds(1, 100, 100), 1),
    ];

    private static void EmitStride(Assembler a, uint rounds)
    {
        Label round = a.CreateLabel();
        Label load = a.CreateLabel();
        EmitClear(a, StrideMask + 1);
        a.mov(r15d, rounds);
        a.xor(edx, edx);
        a.xor(esi, esi);
        a.Label(ref round);
        a.mov(ecx, RoundLoads);
        a.Label(ref load);
        a.add(rdx, __[rsi + GuestLayout.Data]);
        a.add(rdx, rsi);
        a.add(rsi, Stride);
        a.and(rsi, StrideMask);
        a.sub(ecx, 1);
        a.jnz(load);
        a.dec(r15d);
        a.jnz(round);
        a.mov(rax, rdx);
    }

    /// <summary>A firmware leaves things behind.</summary>
    private static void EmitClear(Assembler a, int bytes)
    {
        a.cld();
        a.mov(edi, GuestLayout.Data);
        a.xor(eax, eax);
        a.mov(ecx, bytes / sizeof(ulong));
        a.rep.stosq();
    }

    private static void EmitRandom(Assembler a, uint rounds)
    {
        Label round = a.CreateLabel();
        Label load = a.CreateLabel();
        EmitClear(a, RandomMask + sizeof(ulong));
        a.mov(r15d, rounds);
        a.mov(ebx, 0x1234_5678);
        a.xor(edx, edx);
        a.Label(ref round);
        a.mov(ecx, RoundLoads);
        a.Label(ref load);
        a.imul(rbx, rbx, 0x5851_F42D);
        a.add(rbx, 0x140_57B7);
        a.mov(rsi, rbx);
        a.shr(rsi, 16);
        a.and(rsi, RandomMask);
        a.add(rdx, __[rsi + GuestLayout.Data]);
        a.add(rdx, rsi);
        a.sub(ecx, 1);
        a.jnz(load);
        a.dec(r15d);
        a.jnz(round);
        a.mov(rax, rdx);
    }

    private static void EmitStrings(Assembler a, uint rounds)
    {
        Label round = a.CreateLabel();
        a.cld();
        a.mov(r15d, rounds);
        a.xor(edx, edx);
        a.Label(ref round);
        a.mov(edi, GuestLayout.Data);
        a.mov(eax, r15d);
        a.mov(ecx, StringWords);
        a.rep.stosq();
        a.mov(esi, GuestLayout.Data);
        a.mov(edi, GuestLayout.Destination);
        a.mov(ecx, StringWords);
        a.rep.movsq();
        a.add(rdx, __[rdi - 8]);
        a.add(rdx, rsi);
        a.dec(r15d);
        a.jnz(round);
        a.mov(rax, rdx);
    }
}
