// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Hypercalls;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Membership;
using KvmActors.Persistence.Ownership;
using Npgsql;

namespace KvmActors.Persistence.Postgres;

/// <summary>What <see cref="PostgresCommitFunction"/> says of one refused transaction: one row of its result, or one
/// for each fence row.</summary>
internal sealed record CommitAnswer(
    int Job, int Outcome, long NowMs, StreamRow? Row, byte[]? Reply, NodeRow? Claimant, NodeRow? Dead)
{
    /// <summary>Set where the fence row is damaged. Others of the group are committed all the same.</summary>
    internal StoreCorruptException? Damage { get; private init; }

    internal static CommitAnswer Read(NpgsqlDataReader row)
    {
        StreamRow? stream = null;
        StoreCorruptException? damage = null;
        try
        {
            stream = row.IsDBNull(3) ? null : PostgresRows.Stream(row, at: 3);
        }
        catch (StoreCorruptException fault)
        {
            damage = fault;
        }

        return new CommitAnswer(
            row.GetInt32(0),
            row.GetInt32(1),
            row.GetInt64(2),
            stream,
            row.IsDBNull(14) ? null : row.GetFieldValue<byte[]>(14),
            row.IsDBNull(15) ? null : Node((NodeStatus)row.GetInt32(15), row.GetString(16), row.GetInt64(17)),
            row.IsDBNull(18) ? null : Node((NodeStatus)row.GetInt32(18), clock: "", leaseUntilMs: 0))
        {
            Damage = damage,
        };
    }

    /// <summary>Words the refusal by the rules that every store shares.</summary>
    /// <returns>Null where the transaction has to come again, with each page looked for.</returns>
    /// <exception cref="StoreCorruptException">A row is damaged; or all are as expected, and yet it was refused.
    /// </exception>
    internal static CommitResult? Conclude(
        StoreTransaction transaction, IReadOnlyList<CommitAnswer> answers, string clockName)
    {
        if (answers.FirstOrDefault(answer => answer.Damage is not null)?.Damage is { } damage)
        {
            throw damage;
        }

        CommitAnswer first = answers[0];
        return first.Outcome switch
        {
            PostgresCommitFunction.RowsDiffer => OfRows(transaction, answers),
            PostgresCommitFunction.ClaimFails =>
                LeaseRules.Check(transaction.Takeover!, first.Claimant, first.Dead, clockName, first.NowMs)
                ?? throw Unfit(transaction, "the claim holds"),
            PostgresCommitFunction.WasHandled => new CommitResult.Duplicate(
                transaction.Dedup! with { Reply = first.Reply }),
            PostgresCommitFunction.PagesGone => new CommitResult.PagesGone(transaction.Snapshot!.Id),
            _ => null,
        };
    }

    private static CommitResult OfRows(StoreTransaction transaction, IReadOnlyList<CommitAnswer> answers)
    {
        foreach (StreamWrite write in transaction.Writes)
        {
            CommitAnswer? answer = answers.FirstOrDefault(answer => answer.Row?.Stream == write.Next.Stream);
            if (FenceRules.Check(write, answer?.Row) is { } refusal)
            {
                return refusal is CommitResult.AlreadyExists && answer?.Reply is { } reply
                    ? new CommitResult.Duplicate(transaction.Dedup! with { Reply = reply })
                    : refusal;
            }
        }

        throw Unfit(transaction, "the fence rows are as expected");
    }

    private static StoreCorruptException Unfit(StoreTransaction transaction, string what) => new(
        $"{transaction.Vm}: {what} and yet the store refused the commit. Check it with pg_amcheck.");

    /// <summary>Only what <see cref="LeaseRules.Check"/> looks at.</summary>
    private static NodeRow Node(NodeStatus status, string clock, long leaseUntilMs) =>
        new(new NodeId("#"), "", clock, ProcessId: 0, HostVendor.Intel, status, leaseUntilMs, CpuidTable: "");
}
