// SPDX-License-Identifier: Apache-2.0

using System.Numerics;

namespace KvmActors.Benchmarks.Interpreter;

/// <summary>What the guest programs do, written in C# in the same order: what the host's processor makes of it.
/// </summary>
internal static class PlainLoops
{
    private static readonly ulong[] s_source = new ulong[GuestPrograms.MemoryWords];
    private static readonly ulong[] s_destination = new ulong[GuestPrograms.MemoryWords];
    private static readonly byte[] s_composite = new byte[GuestPrograms.SieveNumbers];

    public static ulong Alu()
    {
        ulong a = 0x0123_4567_89AB_CDEF;
        ulong b = 0x0FED_CBA9_8765_4321;
        ulong sum = 0;
        ulong last = 0;
        for (uint left = GuestPrograms.AluRounds; left > 0; left--)
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

    public static ulong Memory()
    {
        ulong value = 1;
        for (int i = 0; i < s_source.Length; i++)
        {
            s_source[i] = value;
            value += 0x123_4567;
        }

        ulong sum = 0;
        for (uint round = 0; round < GuestPrograms.MemoryRounds; round++)
        {
            for (int i = 0; i < s_source.Length; i++)
            {
                s_destination[i] = s_source[i];
            }

            for (int i = s_destination.Length - 1; i >= 0; i--)
            {
                sum += s_destination[i];
            }
        }

        return sum;
    }

    public static ulong Fibonacci() => Fibonacci(GuestPrograms.FibonacciOf);

    public static ulong Sieve()
    {
        byte[] composite = s_composite;
        for (int i = 0; i < composite.Length; i++)
        {
            composite[i] = 0;
        }

        for (int number = 2; number < GuestPrograms.SieveRoot; number++)
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

        return primes;
    }

    private static uint Fibonacci(uint of) => of < 2 ? of : Fibonacci(of - 1) + Fibonacci(of - 2);
}
