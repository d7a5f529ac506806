// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Security.Cryptography;
using KvmActors.Cpu;
using KvmActors.Cpu.Memory;
using KvmActors.Machine.Hashing;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Machine.Tests.Hashing;

public sealed class MemorySummerTests(ITestOutputHelper output)
{
    private const int PageCount = 64;

    [Fact]
    public void Untouched_memory_sums_to_zero()
    {
        using GuestMemory memory = new(PageCount * GuestMemory.PageBytes);
        Assert.Equal(new MemorySum(0), new MemorySummer(memory).Sum());
    }

    [Fact]
    public void The_sum_is_the_one_its_definition_gives()
    {
        using GuestMemory memory = new(PageCount * GuestMemory.PageBytes);
        memory.Write(new Gpa((3 * GuestMemory.PageBytes) - 1), [0x11, 0x22]);

        byte[] second = new byte[8 + GuestMemory.PageBytes];
        byte[] third = new byte[8 + GuestMemory.PageBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(second, 2 * GuestMemory.PageBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(third, 3 * GuestMemory.PageBytes);
        second[^1] = 0x11;
        third[8] = 0x22;
        UInt128 expected = unchecked(
            BinaryPrimitives.ReadUInt128LittleEndian(SHA256.HashData(second))
            + BinaryPrimitives.ReadUInt128LittleEndian(SHA256.HashData(third)));
        Assert.Equal(new MemorySum(expected), new MemorySummer(memory).Sum());
    }

    [Fact]
    public void The_kept_up_sum_equals_a_full_recomputation_after_random_writes()
    {
        int seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        Random random = new(seed);
        using GuestMemory memory = new(PageCount * GuestMemory.PageBytes);
        MemorySummer summer = new(memory);

        for (int round = 0; round < 200; round++)
        {
            for (int write = random.Next(4); write >= 0; write--)
            {
                byte[] bytes = new byte[random.Next(1, 3 * GuestMemory.PageBytes)];
                if (random.Next(3) > 0)
                {
                    random.NextBytes(bytes);
                }

                memory.Write(new Gpa((ulong)random.Next((PageCount * GuestMemory.PageBytes) - bytes.Length)), bytes);
            }

            Assert.Equal(MemorySummer.SumFromScratch(memory), summer.Sum());
        }
    }

    [Fact]
    public void Two_pages_that_swap_their_contents_change_the_sum()
    {
        using GuestMemory memory = new(PageCount * GuestMemory.PageBytes);
        MemorySummer summer = new(memory);
        memory.Write(new Gpa(0), [1]);
        memory.Write(new Gpa(GuestMemory.PageBytes), [2]);
        MemorySum before = summer.Sum();

        memory.Write(new Gpa(0), [2]);
        memory.Write(new Gpa(GuestMemory.PageBytes), [1]);

        Assert.NotEqual(before, summer.Sum());
    }
}
