// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Tests.Events;

namespace KvmActors.Persistence.Tests.Journal;

public class JournalVerifierTests
{
    private static readonly StreamId s_stream = new("web");
    private static readonly StreamWrite s_written = Write();

    [Fact]
    public void A_sound_stream_has_no_damage()
    {
        Assert.Null(JournalVerifier.Check(s_written.Next, s_written.Records));
    }

    [Fact]
    public void An_empty_stream_is_sound()
    {
        StreamRow row = StreamWriteBuilder.Create(s_stream, new NodeId("node-1#1")).Next;

        Assert.Null(JournalVerifier.Check(row, []));
    }

    [Fact]
    public void Every_flipped_bit_of_every_payload_is_found_at_its_record()
    {
        foreach (JournalRecord record in s_written.Records)
        {
            for (int bit = 0; bit < record.Payload.Length * 8; bit++)
            {
                byte[] payload = record.Payload.ToArray();
                payload[bit / 8] ^= (byte)(1 << (bit % 8));

                JournalDamage? damage = CheckWith(record with { Payload = payload });

                Assert.Equal((s_stream, record.Seq, "hash"), (damage!.Stream, damage.Seq, damage.What));
            }
        }
    }

    [Fact]
    public void A_changed_column_is_found_at_its_record()
    {
        JournalRecord record = s_written.Records[4];

        Assert.Equal(5ul, CheckWith(record with { VmTime = record.VmTime + 1 })!.Seq);
        Assert.Equal(5ul, CheckWith(record with { Epoch = new Epoch(9) })!.Seq);
        Assert.Equal(5ul, CheckWith(record with { Command = new CommandId("x", "y") })!.Seq);
        Assert.Equal(5ul, CheckWith(record with { Hash = Digest.Of([1]) })!.Seq);
        Assert.Equal("stream", CheckWith(record with { Stream = new StreamId("other") })!.What);
    }

    [Fact]
    public void A_record_that_is_missing_is_named()
    {
        JournalDamage? damage = JournalVerifier.Check(s_written.Next, s_written.Records.RemoveAt(3));

        Assert.Equal(
            (4ul, "sequence", "sequence 5"), (damage!.Seq, damage.What, damage.Found));
    }

    [Fact]
    public void Records_lost_from_the_end_are_found_by_the_fence_row()
    {
        JournalDamage? damage = JournalVerifier.Check(
            s_written.Next, s_written.Records.RemoveAt(s_written.Records.Length - 1));

        Assert.Equal("head", damage!.What);
        Assert.Contains(s_written.Next.HeadHash.Hex, damage.Expected, StringComparison.Ordinal);
    }

    [Fact]
    public void A_row_with_another_hash_is_found()
    {
        Assert.Equal(
            "head", JournalVerifier.Check(s_written.Next with { HeadHash = Digest.Of([1]) }, s_written.Records)!.What);
    }

    [Fact]
    public void A_falling_epoch_is_found_though_the_chain_is_sound()
    {
        (StreamRow row, ImmutableArray<JournalRecord> records) = Rehash(
            [.. s_written.Records.Select(record => record with { Epoch = new Epoch(record.Seq == 1 ? 2ul : 1) })]);

        JournalDamage? damage = JournalVerifier.Check(row, records);

        Assert.Equal((2ul, "epoch"), (damage!.Seq, damage.What));
    }

    [Fact]
    public void A_payload_that_does_not_decode_is_found_though_the_chain_is_sound()
    {
        (StreamRow row, ImmutableArray<JournalRecord> records) = Rehash(
            s_written.Records.SetItem(2, s_written.Records[2] with { Payload = new byte[] { 0xFF } }));

        JournalDamage? damage = JournalVerifier.Check(row, records);

        Assert.Equal((3ul, "payload"), (damage!.Seq, damage.What));
    }

    [Fact]
    public void An_event_of_a_newer_program_is_found_though_the_chain_is_sound()
    {
        (StreamRow row, ImmutableArray<JournalRecord> records) = Rehash(
            s_written.Records.SetItem(2, s_written.Records[2] with { Kind = (EventKind)77 }));

        Assert.Contains("77", JournalVerifier.Check(row, records)!.Found, StringComparison.Ordinal);
    }

    [Fact]
    public void A_description_says_where_what_was_expected_what_was_found_and_what_to_do()
    {
        JournalDamage damage = CheckWith(s_written.Records[1] with { Payload = new byte[] { 1 } })!;

        string text = damage.Describe();

        Assert.StartsWith("Stream web, sequence 2, hash: expected ", text, StringComparison.Ordinal);
        Assert.Contains(", found ", text, StringComparison.Ordinal);
        Assert.Contains("Restore the store", text, StringComparison.Ordinal);
    }

    private static StreamWrite Write()
    {
        var builder = StreamWriteBuilder.Create(s_stream, new NodeId("node-1#1"));
        foreach ((_, JournalEvent example) in EventExamples.All)
        {
            builder.Add(builder.Next.HeadSeq * 10, example, new CommandId("cli", $"{builder.Next.HeadSeq}"));
        }

        return builder.Build();
    }

    private static JournalDamage? CheckWith(JournalRecord changed) => JournalVerifier.Check(
        s_written.Next, s_written.Records.SetItem((int)changed.Seq - 1, changed));

    /// <summary>What someone who can compute hashes would leave behind.</summary>
    private static (StreamRow Row, ImmutableArray<JournalRecord> Records) Rehash(IEnumerable<JournalRecord> records)
    {
        List<JournalRecord> chained = [];
        Digest hash = Digest.Zero;
        foreach (JournalRecord record in records)
        {
            hash = HashChain.Next(hash, record);
            chained.Add(record with { Hash = hash });
        }

        return (s_written.Next with { HeadHash = hash }, [.. chained]);
    }
}
