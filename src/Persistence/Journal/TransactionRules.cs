// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Persistence.Ownership;

namespace KvmActors.Persistence.Journal;

/// <summary>What every <see cref="StoreTransaction"/> must be, whatever the store holds. Checked by each store before
/// it writes: what breaks one of these is a bug of the caller, so it throws. Pure.</summary>
/// <remarks>
/// <para>Rows: all of one VM, ascending, none twice; the next row keeps the stream's id.</para>
/// <para>Chain: records follow the expected head without a gap, each hash is <see cref="HashChain.Next"/>, and the next
/// row's head is the last record's. Epochs do not fall and lie between the row's two epochs.</para>
/// <para>Ownership: a new owner comes only with the next epoch, and only by creation, by a hand-over to the target of
/// the move under way, or by a takeover claim that names both sides. The same owner keeps the epoch.</para>
/// </remarks>
public static class TransactionRules
{
    /// <exception cref="ArgumentException">A rule is broken; the message names stream and rule.</exception>
    public static void Check(StoreTransaction transaction)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        Holds(
            transaction.Writes.Length > 0,
            $"A transaction of {transaction.Vm} must write at least one row, found none.");
        StreamId? before = null;
        foreach (StreamWrite write in transaction.Writes)
        {
            StreamId stream = write.Next.Stream;
            Holds(stream.IsOf(transaction.Vm), $"Expected only rows of {transaction.Vm}, found {stream}.");
            Holds(
                before is null || before.Value < stream,
                $"Expected rows in ascending order, found {stream} behind {before}.");
            Holds(
                write.Expected is null || write.Expected.Stream == stream,
                $"Expected the next row of {write.Expected?.Stream} to be of the same stream, found {stream}.");
            CheckChain(write);
            CheckOwnership(write, transaction.Takeover);
            before = stream;
        }

        CheckBeside(transaction);
    }

    private static void CheckChain(StreamWrite write)
    {
        StreamId stream = write.Next.Stream;
        ulong seq = write.Expected?.HeadSeq ?? 0;
        Digest hash = write.Expected?.HeadHash ?? Digest.Zero;
        Epoch epoch = write.Expected?.Epoch ?? Epoch.First;
        foreach (JournalRecord record in write.Records)
        {
            Holds(record.Stream == stream, $"Expected records of {stream}, found one of {record.Stream}.");
            Holds(
                record.Seq == seq + 1,
                $"Stream {stream}: expected a record with sequence {seq + 1}, found {record.Seq}.");
            Holds(
                !(record.Epoch < epoch) && !(record.Epoch > write.Next.Epoch),
                $"Stream {stream}, sequence {record.Seq}: expected an epoch from {epoch} to {write.Next.Epoch}, "
                + $"found {record.Epoch}.");
            Digest expected = HashChain.Next(hash, record);
            Holds(
                record.Hash == expected,
                $"Stream {stream}, sequence {record.Seq}: expected hash {expected}, found {record.Hash}.");
            seq = record.Seq;
            hash = record.Hash;
            epoch = record.Epoch;
        }

        Holds(
            write.Next.HeadSeq == seq && write.Next.HeadHash == hash,
            $"Stream {stream}: expected the next head {seq} {hash}, found {write.Next.HeadSeq} {write.Next.HeadHash}.");
    }

    private static void CheckOwnership(StreamWrite write, TakeoverClaim? takeover)
    {
        StreamRow next = write.Next;
        Holds(
            (next.State == StreamRowState.Moving) == (next.Migration is not null)
                && (next.Migration is null) == (next.Target is null),
            $"Stream {next.Stream}: migration and target are set exactly while the row is Moving, found {next.State}, "
            + $"\"{next.Migration}\", \"{next.Target}\".");
        if (write.Expected is not { } expected)
        {
            Holds(
                next.Epoch == Epoch.First,
                $"Stream {next.Stream}: expected epoch 1 at creation, found {next.Epoch}.");
            return;
        }

        if (next.Epoch == expected.Epoch)
        {
            Holds(
                takeover is null && (next.Owner == expected.Owner || next.Owner is null),
                $"Stream {next.Stream}: the owner may change from {expected.Owner} to {next.Owner} only with the "
                + $"next epoch.");
            return;
        }

        Holds(
            next.Epoch == expected.Epoch.Next && next.Owner is not null,
            $"Stream {next.Stream}: expected an owner under epoch {expected.Epoch} or {expected.Epoch.Next}, "
            + $"found \"{next.Owner}\" under {next.Epoch}.");
        bool handOver = takeover is null && expected.State == StreamRowState.Moving && expected.Target == next.Owner;
        bool claim = takeover is not null && takeover.Claimant == next.Owner && takeover.Dead == expected.Owner;
        Holds(
            handOver || claim,
            $"Stream {next.Stream}: {next.Owner} is neither the target of a move under way nor the claimant of a "
            + $"takeover from {expected.Owner}.");
    }

    private static void CheckBeside(StoreTransaction transaction)
    {
        if (transaction.Dedup is { } dedup)
        {
            Holds(
                transaction.Writes.Any(write => write.Next.Stream == dedup.Stream),
                $"The reply to command {dedup.Command} belongs to {dedup.Stream}, which this transaction does not "
                + $"write.");
        }

        if (transaction.Snapshot is { } snapshot)
        {
            Holds(
                snapshot.Vm == transaction.Vm,
                $"Expected a snapshot of {transaction.Vm}, found one of {snapshot.Vm}.");
            Holds(
                transaction.Writes.All(write => write.Next.Epoch == snapshot.Epoch),
                $"Snapshot {snapshot.Id} of {snapshot.Vm}: its epoch {snapshot.Epoch} is not that of the rows "
                + $"written with it.");
        }
    }

    private static void Holds(
        bool condition, [InterpolatedStringHandlerArgument(nameof(condition))] ref RuleText rule)
    {
        if (!condition)
        {
            throw new ArgumentException(rule.Text);
        }
    }
}
