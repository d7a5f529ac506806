// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Membership;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Snapshots;
using Microsoft.Data.Sqlite;

namespace KvmActors.Persistence.Sqlite;

/// <summary>One <see cref="StoreTransaction"/> inside the writer's group. Its caller rolls back to the savepoint before
/// it unless it says <see cref="CommitResult.Committed"/>.</summary>
internal sealed class SqliteTransaction(SqliteSession session, string bootId, long leaseNowMs, long wallNowMs)
{
    private const string InsertStream =
        """
        INSERT INTO stream(
          stream_id, owner, epoch, state, head_seq, head_hash, snap_id, mig_id, target, fail_count, out_released,
          vm_id, vcpu)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
        ON CONFLICT(stream_id) DO NOTHING
        """;

    // The fence. Whoever moves a stream's epoch, head or migration must come by here, in one statement with the check.
    private const string SwapStream =
        """
        UPDATE stream SET
          owner = ?2, epoch = ?3, state = ?4, head_seq = ?5, head_hash = ?6, snap_id = ?7, mig_id = ?8, target = ?9,
          fail_count = ?10, out_released = ?11
        WHERE stream_id = ?1 AND owner IS ?12 AND epoch = ?13 AND state = ?14 AND head_seq = ?15 AND head_hash = ?16
          AND mig_id IS ?17
        """;

    private const string InsertRecord =
        $"INSERT INTO journal({SqliteRows.JournalColumns}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

    internal CommitResult Apply(StoreTransaction transaction)
    {
        CommitResult? refusal =
            SwapRows(transaction)
            ?? CheckClaim(transaction.Takeover)
            ?? (CommitResult?)KeepReply(transaction.Dedup)
            ?? CheckPages(transaction);
        if (refusal is null)
        {
            WriteRecords(transaction);
        }

        return refusal ?? new CommitResult.Committed();
    }

    private CommitResult? SwapRows(StoreTransaction transaction)
    {
        foreach (StreamWrite write in transaction.Writes)
        {
            if ((write.Expected is null ? Create(write.Next) : Swap(write.Expected, write.Next)) == 1)
            {
                continue;
            }

            CommitResult refusal = FenceRules.Check(write, SqliteReads.Row(session, write.Next.Stream))
                ?? throw new StoreCorruptException(
                    $"Stream {write.Next.Stream}: the fence row is as expected and yet could not be swapped. Check "
                    + "the store with SQLite's \"PRAGMA integrity_check\".");
            DedupEntry? before = refusal is CommitResult.AlreadyExists && transaction.Dedup is { } dedup
                ? SqliteReplies.Find(session, dedup.Stream, dedup.Command)
                : null;
            return before is null ? refusal : new CommitResult.Duplicate(before);
        }

        return null;
    }

    private int Create(StreamRow next) => session.Execute(
        InsertStream,
        next.Stream,
        next.Owner,
        next.Epoch,
        (long)next.State,
        next.HeadSeq,
        next.HeadHash,
        next.SnapshotId,
        next.Migration,
        next.Target,
        next.FailCount,
        next.OutputReleased,
        next.Stream.Vm,
        next.Stream.VcpuIndex);

    private int Swap(StreamRow expected, StreamRow next) => session.Execute(
        SwapStream,
        next.Stream,
        next.Owner,
        next.Epoch,
        (long)next.State,
        next.HeadSeq,
        next.HeadHash,
        next.SnapshotId,
        next.Migration,
        next.Target,
        next.FailCount,
        next.OutputReleased,
        expected.Owner,
        expected.Epoch,
        (long)expected.State,
        expected.HeadSeq,
        expected.HeadHash,
        expected.Migration);

    private CommitResult.ClaimRefused? CheckClaim(TakeoverClaim? claim)
    {
        if (claim is null)
        {
            return null;
        }

        var nodes = new SqliteNodeTable(session);
        return LeaseRules.Check(
            claim,
            nodes.Find(claim.Claimant)?.Row,
            claim.Dead is { } dead ? nodes.Find(dead)?.Row : null,
            bootId,
            leaseNowMs);
    }

    private CommitResult.Duplicate? KeepReply(DedupEntry? dedup)
    {
        if (dedup is null)
        {
            return null;
        }

        return SqliteReplies.TryKeep(session, dedup, wallNowMs)
            ? null
            : new CommitResult.Duplicate(SqliteReplies.Find(session, dedup.Stream, dedup.Command)!);
    }

    private CommitResult.PagesGone? CheckPages(StoreTransaction transaction) =>
        transaction.Snapshot is { } snapshot
        && transaction.PagesSince != SqliteUpkeep.Collections(session)
        && SqlitePages.Missing(session, snapshot.Pages.Select(page => page.Digest)).Count > 0
            ? new CommitResult.PagesGone(snapshot.Id)
            : null;

    private void WriteRecords(StoreTransaction transaction)
    {
        foreach (JournalRecord record in transaction.Writes.SelectMany(write => write.Records))
        {
            Insert(record);
        }

        if (transaction.Snapshot is { } snapshot)
        {
            Insert(snapshot);
            SqliteUpkeep.Drop(session, snapshot.Vm, transaction.Retention);
        }
    }

    private void Insert(JournalRecord record)
    {
        try
        {
            session.Execute(
                InsertRecord,
                record.Stream,
                record.Seq,
                record.Epoch,
                (long)record.Kind,
                record.Version,
                record.VmTime,
                record.Command?.Client,
                record.Command?.Command,
                record.Payload,
                record.Hash);
        }
        catch (SqliteException fault) when (SqliteFault.IsConstraint(fault))
        {
            throw new StoreCorruptException(
                $"Stream {record.Stream}: expected no record behind the head {record.Seq - 1} of the fence row, "
                + $"found sequence {record.Seq} in the journal. Verify the journal of {record.Stream.Vm}.",
                fault);
        }
    }

    private void Insert(SnapshotRecord snapshot)
    {
        try
        {
            SqliteSnapshots.Insert(session, snapshot);
        }
        catch (SqliteException fault) when (SqliteFault.IsConstraint(fault))
        {
            throw new StoreCorruptException(
                $"Expected no snapshot {snapshot.Id} of {snapshot.Vm} yet, found one. Verify the journal of "
                + $"{snapshot.Vm}.",
                fault);
        }
    }
}
