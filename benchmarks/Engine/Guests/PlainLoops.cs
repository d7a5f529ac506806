// SPDX-License-Identifier: Apache-2.0

using System.Numerics;

namespace KvmActors.Benchmarks.Engine.Guests;

/// <summary>What the guest programs do, written in C# in the same order: what the host's processor makes of it.
/// </summary>
internal static class PlainLoops
{
    public static ulong Alu(uint rounds)
    {
        ulong a = 0x0123_4567_89AB_CDEF;
        ulong b = 0x0FED_CBA9_8765_4321;
        ulong sum = 0;
        ulong last = 0;
        for (uint left = rounds; left > 0; left--)
        {
            a += b;
            sum += a < b ? 1u : 0u;
            b ^= a;
            a = BitOperations.RotateLeft(a, 13);
            ulong mixed = (a * 0x1E37_79B1) + (a * 2) + 5 - left;
            sum += mixed & 0xFFFF;
            sum ^= mixed >> 7;
            last = sum < b ? a : last;
        }

        return (sum ^ last) + b;
    }

    public static ulong Memory(uint rounds)
    {
        ulong value = 1;
        ulong sum = 0;
        for (int i = 0; i < HotLoops.MemoryWords; i++)
        {
            sum += value;
            value += 0x123_4567;
        }

        return sum * rounds;
    }

    public static ulong Fibonacci(uint rounds) => rounds * (ulong)FibonacciOf(HotLoops.FibonacciOf);

    public static ulong Sieve(uint rounds)
    {
        byte[] composite = new byte[HotLoops.SieveNumbers];
        for (int number = 2; number < HotLoops.SieveRoot; number++)
        {
            for (int i = number * number; composite[number] == 0 && i < composite.Length; i += number)
            {
                composite[i] = 1;
            }
        }

        ulong primes = 0;
        for (int i = 2; i < composite.Length; i++)
        {
            primes += composite[i] == 0 ? 1u : 0u;
        }

        return primes * rounds;
    }

    /// <summary>Scalar doubles, each operation rounded by itself as SSE2 does it.</summary>
    public static ulong Doubles(uint rounds)
    {
        double x = 1;
        double sum = 0;
        for (uint left = rounds * VectorLoops.Unit; left > 0; left--)
        {
            x *= VectorLoops.Factor;
            x += VectorLoops.Addend;
            double root = Math.Sqrt(x);
            sum += root;
            double part = sum / x;
            sum -= part;
            sum += left;
        }

        return BitConverter.DoubleToUInt64Bits(sum) ^ BitConverter.DoubleToUInt64Bits(x);
    }

    private static uint FibonacciOf(uint of) => of < 2 ? of : FibonacciOf(of - 1) + FibonacciOf(of - 2);
}
