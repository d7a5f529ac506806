// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Vm;
using Xunit;

namespace KvmActors.Actors.Tests.Vm;

public sealed class ConsoleLogTests
{
    [Fact]
    public void Bytes_keep_their_numbers_while_old_ones_are_dropped()
    {
        Random random = new(5);
        List<byte> all = [];
        ConsoleLog log = new(0, []);
        while (all.Count < 5 * ConsoleLog.BytesMax)
        {
            byte[] bytes = new byte[random.Next(300_000)];
            random.NextBytes(bytes);
            log.Append((ulong)all.Count, bytes);
            all.AddRange(bytes);
            Assert.Equal((ulong)all.Count, log.End);
            Assert.True(log.End - log.Start >= (ulong)Math.Min(all.Count, ConsoleLog.BytesMax));
            Assert.True(log.End - log.Start <= 2 * ConsoleLog.BytesMax);
            ulong offset = log.Start + ((ulong)random.NextInt64() % (log.End - log.Start + 1));
            Assert.Equal(all.Skip((int)offset).Take(100), log.Read(offset, 100));
        }

        Assert.Equal(all.TakeLast(ConsoleLog.BytesMax), log.Tail());
    }

    [Fact]
    public void A_write_longer_than_the_log_leaves_its_end()
    {
        byte[] bytes = new byte[(3 * ConsoleLog.BytesMax) + 1];
        new Random(6).NextBytes(bytes);
        ConsoleLog log = new(0, []);
        log.Append(0, "before"u8);

        log.Append(6, bytes);

        Assert.Equal((ulong)bytes.Length + 6, log.End);
        Assert.Equal(bytes.TakeLast(ConsoleLog.BytesMax), log.Tail());
    }

    [Fact]
    public void Bytes_that_a_rebuild_puts_out_again_are_dropped()
    {
        ConsoleLog log = new(10, "89"u8);

        log.Append(8, "89ab"u8);
        log.Append(9, "9"u8);

        Assert.Equal("89ab"u8.ToArray(), log.Read(8, 100));
        Assert.Equal(12ul, log.End);
    }

    [Fact]
    public void Missing_bytes_are_noticed() =>
        Assert.Throws<InvalidOperationException>(() => new ConsoleLog(10, []).Append(11, "x"u8));

    [Fact]
    public void A_tail_cannot_be_longer_than_the_whole() =>
        Assert.Throws<ArgumentException>(() => new ConsoleLog(1, "ab"u8));
}
