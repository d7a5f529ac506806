// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Events;
using KvmActors.Persistence.Ownership;

namespace KvmActors.Persistence.Journal;

/// <summary>Checks one stream, record by record from its first: sequences without a gap, epochs that do not fall, the
/// hash chain, payloads that decode, and at the end the head in the fence row. Names the first damage and looks no
/// further. Pure; one object for one pass.</summary>
public sealed class JournalVerifier(StreamId stream)
{
    private const string Restore = "Restore the store from a backup; the records before it are sound.";

    private ulong _seq;
    private Digest _hash = Digest.Zero;
    private Epoch _epoch = Epoch.First;
    private JournalDamage? _damage;

    /// <summary>The damage found so far, or null.</summary>
    public JournalDamage? Damage => _damage;

    /// <summary>What the last sound record holds; null before the first.</summary>
    public JournalEvent? Event { get; private set; }

    /// <summary>Sequence of the last sound record.</summary>
    public ulong SoundSeq => _seq;

    /// <summary>Checks a stream's records against its row. The pass must have seen every record up to the row's
    /// head.</summary>
    /// <returns>The first damage, or null.</returns>
    public static JournalDamage? Check(StreamRow row, IEnumerable<JournalRecord> records)
    {
        ArgumentNullException.ThrowIfNull(row);
        ArgumentNullException.ThrowIfNull(records);
        var verifier = new JournalVerifier(row.Stream);
        foreach (JournalRecord record in records)
        {
            if (verifier.Next(record) is { } damage)
            {
                return damage;
            }
        }

        return verifier.End(row);
    }

    /// <summary>Checks a stored stream up to its head, which a running owner may move meanwhile.</summary>
    /// <returns>The first damage, or null; null as well where there is no such stream.</returns>
    /// <exception cref="StoreCorruptException">The fence row itself cannot be read.</exception>
    public static async ValueTask<JournalDamage?> CheckAsync(
        IStore store, StreamId stream, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        if (await store.FindAsync(stream, cancellationToken) is not { } row)
        {
            return null;
        }

        var verifier = new JournalVerifier(stream);
        try
        {
            await foreach (JournalRecord record in store.ReadAsync(stream, fromSeq: 0, row.HeadSeq, cancellationToken))
            {
                if (verifier.Next(record) is { } damage)
                {
                    return damage;
                }
            }

            return verifier.End(row) ?? await CheckBehindHeadAsync(store, row, cancellationToken);
        }
        catch (StoreCorruptException fault)
        {
            return verifier.Named(verifier.SoundSeq + 1, "row", "a row that can be read", fault.Message, Restore);
        }
    }

    /// <summary>Takes the next record of the stream.</summary>
    /// <returns>The first damage, or null while all is sound.</returns>
    public JournalDamage? Next(JournalRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        _damage ??= Inspect(record);
        if (_damage is null)
        {
            (_seq, _hash, _epoch) = (record.Seq, record.Hash, record.Epoch);
        }

        return _damage;
    }

    /// <summary>Compares where the records ended with the fence row.</summary>
    /// <returns>The first damage, or null.</returns>
    public JournalDamage? End(StreamRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        if (_damage is null && (row.HeadSeq != _seq || row.HeadHash != _hash))
        {
            _damage = Named(
                _seq,
                "head",
                $"the records to end where the fence row says, at {row.HeadSeq} {row.HeadHash}",
                $"their end at {_seq} {_hash}",
                "Records or the row were lost or changed. Restore the store from a backup.");
        }

        return _damage;
    }

    private static async ValueTask<JournalDamage?> CheckBehindHeadAsync(
        IStore store, StreamRow row, CancellationToken cancellationToken)
    {
        ulong behind = row.HeadSeq + 1;
        await foreach (JournalRecord record in store.ReadAsync(row.Stream, behind, behind, cancellationToken))
        {
            StreamRow? now = await store.FindAsync(row.Stream, cancellationToken);
            return now is not null && now.HeadSeq >= behind
                ? null
                : new JournalDamage(
                    row.Stream,
                    record.Seq,
                    "head",
                    $"no record behind the head {row.HeadSeq} of the fence row",
                    $"a record with sequence {record.Seq}",
                    "The row was changed behind the journal's back. Restore the store from a backup.");
        }

        return null;
    }

    private JournalDamage? Inspect(JournalRecord record)
    {
        if (record.Stream != stream)
        {
            return Named(record.Seq, "stream", $"a record of {stream}", $"one of {record.Stream}", Restore);
        }

        if (record.Seq != _seq + 1)
        {
            return Named(_seq + 1, "sequence", $"a record with sequence {_seq + 1}", $"sequence {record.Seq}", Restore);
        }

        Digest expected = HashChain.Next(_hash, record);
        if (record.Hash != expected)
        {
            return Named(
                record.Seq,
                "hash",
                $"{record.Hash}, as stored",
                $"{expected}, over the stored columns",
                $"A column of this record or its hash was changed. {Restore}");
        }

        if (record.Epoch < _epoch)
        {
            return Named(record.Seq, "epoch", $"epoch {_epoch} or later", $"epoch {record.Epoch}", Restore);
        }

        try
        {
            Event = EventCodec.Decode(record);
            return null;
        }
        catch (Exception fault) when (fault is JournalFormatException or StoreCorruptException)
        {
            return Named(record.Seq, "payload", "an event this version can read", fault.Message, Restore);
        }
    }

    private JournalDamage Named(ulong seq, string what, string expected, string found, string advice) =>
        new(stream, seq, what, expected, found, advice);
}
