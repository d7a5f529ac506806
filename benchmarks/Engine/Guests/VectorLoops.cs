// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Benchmarks.Engine.Guests;

/// <summary>SSE2: scalar doubles with division and square root, and packed integers with loads and stores.</summary>
internal static class VectorLoops
{
    /// <summary>Turns of the inner loop in a round.</summary>
    public const uint Unit = 1000;

    public const double Factor = 0.999;
    public const double Addend = 1.25;

    private const int PackedMask = 0x7FF0;

    public static IReadOnlyList<GuestProgram> All { get; } =
    [
        new("sse", EmitDoubles, new GuestRounds(1, 500, 12_000), 1) { Plain = PlainLoops.Doubles },
        new("packed", EmitPacked, new GuestRounds(1, 3_000, 15_000), 1),
    ];

    private static void EmitDoubles(Assembler a, uint rounds)
    {
        Label loop = a.CreateLabel();
        a.mov(r15d, rounds * Unit);
        EmitConstant(a, xmm0, 1);
        EmitConstant(a, xmm4, Factor);
        EmitConstant(a, xmm5, Addend);
        a.xorps(xmm2, xmm2);
        a.Label(ref loop);
        a.mulsd(xmm0, xmm4);
        a.addsd(xmm0, xmm5);
        a.sqrtsd(xmm1, xmm0);
        a.addsd(xmm2, xmm1);
        a.movapd(xmm3, xmm2);
        a.divsd(xmm3, xmm0);
        a.subsd(xmm2, xmm3);
        a.cvtsi2sd(xmm7, r15);
        a.addsd(xmm2, xmm7);
        a.dec(r15d);
        a.jnz(loop);
        a.movq(rax, xmm2);
        a.movq(rdx, xmm0);
        a.xor(rax, rdx);
    }

    private static void EmitPacked(Assembler a, uint rounds)
    {
        Label loop = a.CreateLabel();
        a.mov(r15d, rounds * Unit);
        a.mov(eax, 0x9E37_79B9);
        a.movd(xmm0, eax);
        a.pshufd(xmm0, xmm0, 0);
        a.pcmpeqd(xmm4, xmm4);
        a.pxor(xmm2, xmm2);
        a.xor(ecx, ecx);
        a.mov(edi, GuestLayout.Data);
        a.Label(ref loop);
        a.paddd(xmm0, xmm4);
        a.pshufd(xmm1, xmm0, 0x39);
        a.pmuludq(xmm1, xmm0);
        a.movdqa(xmm3, xmm1);
        a.psrld(xmm3, 7);
        a.pxor(xmm0, xmm3);
        a.paddq(xmm2, __xmmword_ptr[rdi + rcx]);
        a.pxor(xmm2, xmm1);
        a.movdqa(__xmmword_ptr[rdi + rcx], xmm2);
        a.pcmpgtd(xmm3, xmm0);
        a.psubd(xmm0, xmm3);
        a.add(ecx, 16);
        a.and(ecx, PackedMask);
        a.dec(r15d);
        a.jnz(loop);
        a.movq(rax, xmm2);
        a.psrldq(xmm2, 8);
        a.movq(rdx, xmm2);
        a.add(rax, rdx);
        a.movq(rdx, xmm0);
        a.xor(rax, rdx);
    }

    private static void EmitConstant(Assembler a, AssemblerRegisterXMM register, double value)
    {
        a.mov(rax, BitConverter.DoubleToUInt64Bits(value));
        a.movq(register, rax);
    }
}
