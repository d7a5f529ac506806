// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Snapshots;
using Npgsql;
using NpgsqlTypes;

namespace KvmActors.Persistence.Postgres;

/// <summary>A group as the parameters of <see cref="PostgresCommitFunction"/>: each column of what is written is one
/// array.</summary>
/// <remarks>An unsigned number beyond 2^63 does not fit and is refused by an <see cref="OverflowException"/>: VM time
/// would reach it after 292 years.</remarks>
internal sealed class CommitCall
{
    private const int Parameters = 59;

    private readonly List<NpgsqlParameter> _parameters = new(Parameters);
    private readonly IReadOnlyList<CommitJob> _jobs;

    private CommitCall(IReadOnlyList<CommitJob> jobs) => _jobs = jobs;

    private static string Statement { get; } =
        $"SELECT * FROM {PostgresCommitFunction.Name}("
        + string.Join(", ", Enumerable.Range(1, Parameters).Select(number => $"${number}")) + ")";

    /// <param name="nowMs">A clock instead of the server's.</param>
    internal static NpgsqlCommand Build(
        NpgsqlConnection connection, IReadOnlyList<CommitJob> jobs, long? nowMs, string clockName)
    {
        CommitCall call = new(jobs);
        call.Add(NpgsqlDbType.Bigint, nowMs is { } now ? now : DBNull.Value);
        call.Add(NpgsqlDbType.Text, clockName);
        call.AddRows();
        call.AddClaimsAndReplies();
        call.AddRecords();
        call.AddSnapshots();
#pragma warning disable CA2100 // The statement is a constant.
        NpgsqlCommand command = new(Statement, connection);
#pragma warning restore CA2100
        command.Parameters.AddRange(call._parameters.ToArray());
        return command;
    }

    private static long Signed(ulong number) => checked((long)number);

    private void AddRows()
    {
        (int Job, StreamRow? Old, StreamRow New)[] rows =
        [
            .. _jobs.SelectMany((job, number) =>
                job.Transaction.Writes.Select(write => (number, write.Expected, write.Next))),
        ];
        Ints(rows, row => row.Job);
        Texts(rows, row => row.New.Stream.Value);
        Add(NpgsqlDbType.Array | NpgsqlDbType.Boolean, Array.ConvertAll(rows, row => row.Old is null));
        Texts(rows, row => row.Old?.Owner?.Value);
        Longs(rows, row => Signed(row.Old?.Epoch.Value ?? 0));
        Ints(rows, row => (int)(row.Old?.State ?? 0));
        Longs(rows, row => Signed(row.Old?.HeadSeq ?? 0));
        Blobs(rows, row => row.Old?.HeadHash.ToArray() ?? []);
        Texts(rows, row => row.Old?.Migration?.Value);
        Texts(rows, row => row.New.Stream.Vm.Value);
        Ints(rows, row => row.New.Stream.VcpuIndex);
        Texts(rows, row => row.New.Owner?.Value);
        Longs(rows, row => Signed(row.New.Epoch.Value));
        Ints(rows, row => (int)row.New.State);
        Longs(rows, row => Signed(row.New.HeadSeq));
        Blobs(rows, row => row.New.HeadHash.ToArray());
        Longs(rows, row => Signed(row.New.SnapshotId));
        Texts(rows, row => row.New.Migration?.Value);
        Texts(rows, row => row.New.Target?.Value);
        Ints(rows, row => row.New.FailCount);
        Longs(rows, row => Signed(row.New.OutputReleased));
    }

    private void AddClaimsAndReplies()
    {
        (int Job, TakeoverClaim Claim)[] claims =
        [
            .. _jobs.Index().Where(job => job.Item.Transaction.Takeover is not null)
                .Select(job => (job.Index, job.Item.Transaction.Takeover!)),
        ];
        Ints(claims, claim => claim.Job);
        Texts(claims, claim => claim.Claim.Claimant.Value);
        Texts(claims, claim => claim.Claim.Dead?.Value);

        (int Job, DedupEntry Entry)[] replies =
        [
            .. _jobs.Index().Where(job => job.Item.Transaction.Dedup is not null)
                .Select(job => (job.Index, job.Item.Transaction.Dedup!)),
        ];
        Ints(replies, reply => reply.Job);
        Texts(replies, reply => reply.Entry.Stream.Value);
        Texts(replies, reply => reply.Entry.Command.Client);
        Texts(replies, reply => reply.Entry.Command.Command);
        Blobs(replies, reply => reply.Entry.Reply.ToArray());
    }

    private void AddRecords()
    {
        (int Job, JournalRecord Record)[] records =
        [
            .. _jobs.SelectMany((job, number) => job.Transaction.Writes
                .SelectMany(write => write.Records).Select(record => (number, record))),
        ];
        Ints(records, record => record.Job);
        Texts(records, record => record.Record.Stream.Value);
        Longs(records, record => Signed(record.Record.Seq));
        Longs(records, record => Signed(record.Record.Epoch.Value));
        Ints(records, record => (int)record.Record.Kind);
        Ints(records, record => record.Record.Version);
        Longs(records, record => Signed(record.Record.VmTime));
        Texts(records, record => record.Record.Command?.Client);
        Texts(records, record => record.Record.Command?.Command);
        Blobs(records, record => record.Record.Payload.ToArray());
        Blobs(records, record => record.Record.Hash.ToArray());
    }

    private void AddSnapshots()
    {
        (int Job, CommitJob Item, StoredSnapshot Row)[] snapshots =
        [
            .. _jobs.Index().Where(job => job.Item.Transaction.Snapshot is not null)
                .Select(job => (job.Index, job.Item, StoredSnapshot.Of(job.Item.Transaction.Snapshot!))),
        ];
        Ints(snapshots, snapshot => snapshot.Job);
        Texts(snapshots, snapshot => snapshot.Row.Vm.Value);
        Longs(snapshots, snapshot => Signed(snapshot.Row.Id));
        Longs(snapshots, snapshot => Signed(snapshot.Row.Epoch));
        Longs(snapshots, snapshot => Signed(snapshot.Row.VmTime));
        Blobs(snapshots, snapshot => snapshot.Row.Heads.ToArray());
        Blobs(snapshots, snapshot => snapshot.Row.State.ToArray());
        Blobs(snapshots, snapshot => snapshot.Row.PageIndex.ToArray());
        Blobs(snapshots, snapshot => snapshot.Row.Console.ToArray());
        Blobs(snapshots, snapshot => snapshot.Row.Checksum.ToArray());
        Longs(snapshots, snapshot => Signed(snapshot.Item.Transaction.PagesSince));
        Add(
            NpgsqlDbType.Array | NpgsqlDbType.Boolean,
            Array.ConvertAll(snapshots, snapshot => snapshot.Item.LooksForPages));

        (int Job, Digest Digest)[] pages =
        [
            .. snapshots.Where(snapshot => snapshot.Item.LooksForPages).SelectMany(snapshot =>
                snapshot.Item.Transaction.Snapshot!.Pages.Select(page => (snapshot.Job, page.Digest)).Distinct()),
        ];
        Ints(pages, page => page.Job);
        Blobs(pages, page => page.Digest.ToArray());

        (int Job, string Vm, ulong Id)[] dropped =
        [
            .. snapshots.SelectMany(snapshot =>
                snapshot.Item.Dropped.Select(id => (snapshot.Job, snapshot.Row.Vm.Value, id))),
        ];
        Ints(dropped, drop => drop.Job);
        Texts(dropped, drop => drop.Vm);
        Longs(dropped, drop => Signed(drop.Id));
    }

    private void Ints<T>(T[] rows, Converter<T, int> column) =>
        Add(NpgsqlDbType.Array | NpgsqlDbType.Integer, Array.ConvertAll(rows, column));

    private void Longs<T>(T[] rows, Converter<T, long> column) =>
        Add(NpgsqlDbType.Array | NpgsqlDbType.Bigint, Array.ConvertAll(rows, column));

    private void Texts<T>(T[] rows, Converter<T, string?> column) =>
        Add(NpgsqlDbType.Array | NpgsqlDbType.Text, Array.ConvertAll(rows, column));

    private void Blobs<T>(T[] rows, Converter<T, byte[]> column) =>
        Add(NpgsqlDbType.Array | NpgsqlDbType.Bytea, Array.ConvertAll(rows, column));

    private void Add(NpgsqlDbType type, object value) =>
        _parameters.Add(new NpgsqlParameter { NpgsqlDbType = type, Value = value });
}
