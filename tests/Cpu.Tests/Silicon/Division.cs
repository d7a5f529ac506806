// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;

namespace KvmActors.Cpu.Tests.Silicon;

/// <summary>Whether DIV or IDIV has a quotient, in wider arithmetic.</summary>
internal static class Division
{
    public static bool Fits(in Instruction instruction, ulong rax, ulong rdx, ulong divisor)
    {
        int bits = 8 * (instruction.Op0Kind == OpKind.Register
            ? instruction.Op0Register.GetSize()
            : instruction.MemorySize.GetSize());
        UInt128 dividend = bits == 8 ? (ushort)rax : Join(rdx, rax, bits);
        if (divisor == 0)
        {
            return false;
        }

        if (instruction.Mnemonic == Mnemonic.Div)
        {
            return dividend / divisor <= (UInt128.MaxValue >> (128 - bits));
        }

        Int128 signedDividend = (Int128)(dividend << (128 - (2 * bits))) >> (128 - (2 * bits));
        Int128 signedDivisor = (Int128)((UInt128)divisor << (128 - bits)) >> (128 - bits);
        if (signedDividend == Int128.MinValue)
        {
            return false;
        }

        Int128 quotient = signedDividend / signedDivisor;
        return quotient >= -(Int128.One << (bits - 1)) && quotient < Int128.One << (bits - 1);
    }

    private static UInt128 Join(ulong high, ulong low, int bits)
    {
        ulong mask = ulong.MaxValue >> (64 - bits);
        return ((UInt128)(high & mask) << bits) | (low & mask);
    }
}
