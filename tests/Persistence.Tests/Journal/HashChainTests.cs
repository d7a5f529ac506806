// SPDX-License-Identifier: Apache-2.0

using System.Security.Cryptography;
using System.Text;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;

namespace KvmActors.Persistence.Tests.Journal;

public class HashChainTests
{
    private static readonly JournalRecord s_record = new(
        new StreamId("web/0"),
        Seq: 2,
        new Epoch(3),
        EventKind.InputArrived,
        Version: 1,
        VmTime: 0x1122,
        new CommandId("cli", "x7"),
        new byte[] { 0xAA, 0xBB },
        Digest.Zero);

    public static TheoryData<string, JournalRecord> Changes => new()
    {
        { "stream", s_record with { Stream = new StreamId("web/1") } },
        { "seq", s_record with { Seq = 3 } },
        { "epoch", s_record with { Epoch = new Epoch(4) } },
        { "kind", s_record with { Kind = EventKind.Placed } },
        { "version", s_record with { Version = 2 } },
        { "vm time", s_record with { VmTime = 0x1123 } },
        { "client", s_record with { Command = new CommandId("clj", "x7") } },
        { "command", s_record with { Command = new CommandId("cli", "x8") } },
        { "border of client and command", s_record with { Command = new CommandId("clix", "7") } },
        { "no command", s_record with { Command = null } },
        { "payload", s_record with { Payload = new byte[] { 0xAA, 0xBA } } },
        { "longer payload", s_record with { Payload = new byte[] { 0xAA, 0xBB, 0 } } },
    };

    [Fact]
    public void The_hash_is_what_the_format_page_says()
    {
        // The oracle is the byte string of docs/journal-format.md, written out by hand. If this fails, old journals no
        // longer verify: do not edit it.
        byte[] previous = [.. Enumerable.Repeat((byte)0x5A, 32)];
        byte[] expected =
        [
            .. Encoding.ASCII.GetBytes("KVAJRNL1"),
            .. previous,
            5, 0, 0, 0, .. Encoding.ASCII.GetBytes("web/0"),
            2, 0, 0, 0, 0, 0, 0, 0,
            3, 0, 0, 0, 0, 0, 0, 0,
            5, 0, 0, 0,
            1, 0, 0, 0,
            0x22, 0x11, 0, 0, 0, 0, 0, 0,
            1, 3, 0, 0, 0, .. Encoding.ASCII.GetBytes("cli"), 2, 0, 0, 0, .. Encoding.ASCII.GetBytes("x7"),
            2, 0, 0, 0, 0xAA, 0xBB,
        ];

        Assert.Equal(
            Convert.ToHexStringLower(SHA256.HashData(expected)),
            HashChain.Next(Digest.FromBytes(previous), s_record).Hex);
    }

    [Theory]
    [MemberData(nameof(Changes))]
    public void A_change_of_any_column_changes_the_hash(string what, JournalRecord changed)
    {
        Assert.True(HashChain.Next(Digest.Zero, s_record) != HashChain.Next(Digest.Zero, changed), what);
    }

    [Fact]
    public void The_hash_before_takes_part()
    {
        Assert.NotEqual(HashChain.Next(Digest.Zero, s_record), HashChain.Next(Digest.Of([1]), s_record));
    }

    [Fact]
    public void The_records_own_hash_does_not_take_part()
    {
        Assert.Equal(
            HashChain.Next(Digest.Zero, s_record),
            HashChain.Next(Digest.Zero, s_record with { Hash = Digest.Of([1]) }));
    }
}
