// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Data.Common;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;
using KvmActors.Torture.Clients;
using Microsoft.Data.Sqlite;

namespace KvmActors.Torture.Audit;

/// <summary>What a store holds and what clients saw, side by side in one SQLite database in memory: whatever the store
/// is, the audit is the same SQL (<c>*.sql</c> here, one file an invariant, each row a breach).</summary>
internal sealed class AuditDatabase : IDisposable
{
    private const string Tables = """
        CREATE TABLE stream(stream_id TEXT, vm_id TEXT, owner TEXT, epoch INTEGER, state INTEGER, head_seq INTEGER,
          head_hash BLOB);
        CREATE TABLE journal(stream_id TEXT, vm_id TEXT, seq INTEGER, epoch INTEGER, kind INTEGER, ver INTEGER,
          vm_time INTEGER, client_id TEXT, cmd_id TEXT, payload BLOB, hash BLOB,
          placed_node TEXT, placed_epoch INTEGER, typed TEXT, console_bytes INTEGER, PRIMARY KEY(stream_id, seq));
        CREATE TABLE dedup(stream_id TEXT, client_id TEXT, cmd_id TEXT, reply BLOB);
        CREATE TABLE answered(vm_id TEXT, client_id TEXT, cmd_id TEXT, what TEXT, typed TEXT, is_done INTEGER,
          reply TEXT, again TEXT);
        CREATE TABLE deleted(vm_id TEXT);
        CREATE TABLE letter(vm_id TEXT, n INTEGER, letter TEXT);
        CREATE TABLE console(vm_id TEXT, reader TEXT, chunk INTEGER, place INTEGER, byte INTEGER);
        CREATE TABLE console_end(vm_id TEXT, source TEXT, sha256 TEXT);
        CREATE TABLE sample(look INTEGER, what TEXT, id TEXT, value TEXT, epoch INTEGER);
        """;

    private const int RowsShown = 20;

    private readonly SqliteConnection _connection = new("Data Source=:memory:");

    public AuditDatabase()
    {
        _connection.Open();
        _connection.CreateFunction<byte[]?, string, long, long, long, long, long, string?, string?, byte[], byte[]>(
            "chain", Chain, isDeterministic: true);
        Do(Tables);
    }

    /// <summary>Names of all audits, in order.</summary>
    public static IReadOnlyList<string> Audits { get; } =
    [
        .. typeof(AuditDatabase).Assembly.GetManifestResourceNames()
            .Where(name => name.EndsWith(".sql", StringComparison.Ordinal))
            .Select(name => name[..^4])
            .Order(StringComparer.Ordinal),
    ];

    public void Dispose() => _connection.Dispose();

    /// <summary>Runs one audit.</summary>
    /// <returns>The first rows that breach it, one a line; empty where all is well.</returns>
    public IReadOnlyList<string> Find(string audit)
    {
        using Stream resource = typeof(AuditDatabase).Assembly.GetManifestResourceStream($"{audit}.sql")
            ?? throw new ArgumentException($"Expected an audit, found {audit}.", nameof(audit));
        using StreamReader text = new(resource);
        using SqliteCommand command = _connection.CreateCommand();
        command.CommandText = text.ReadToEnd();
        using SqliteDataReader reader = command.ExecuteReader();
        List<string> rows = [];
        while (rows.Count < RowsShown && reader.Read())
        {
            rows.Add(string.Join(
                ", ",
                Enumerable.Range(0, reader.FieldCount)
                    .Select(at => $"{reader.GetName(at)} = {Shown(reader.GetValue(at))}")));
        }

        return rows;
    }

    /// <summary>One value, for reports.</summary>
    public long Count(string sql)
    {
        using SqliteCommand command = _connection.CreateCommand();
        command.CommandText = sql;
        return Convert.ToInt64(command.ExecuteScalar(), CultureInfo.InvariantCulture);
    }

    /// <summary>Copies fence rows, journal and dedup out of a store.</summary>
    public async Task ReadStoreAsync(DbConnection store)
    {
        using SqliteTransaction transaction = _connection.BeginTransaction();
        await CopyAsync(
            store,
            "SELECT stream_id, vm_id, owner, epoch, state, head_seq, head_hash FROM stream",
            "INSERT INTO stream VALUES ($0, $1, $2, $3, $4, $5, $6)");
        await CopyAsync(
            store,
            "SELECT stream_id, client_id, cmd_id, reply FROM dedup",
            "INSERT INTO dedup VALUES ($0, $1, $2, $3)");
        await CopyAsync(
            store,
            "SELECT stream_id, seq, epoch, kind, ver, vm_time, client_id, cmd_id, payload, hash FROM journal",
            "INSERT INTO journal VALUES ($0, $10, $1, $2, $3, $4, $5, $6, $7, $8, $9, $11, $12, $13, $14)",
            Decode);
        transaction.Commit();
    }

    public void Add(Answered answered, string? again) => Do(
        "INSERT INTO answered VALUES ($0, $1, $2, $3, $4, $5, $6, $7)",
        answered.Vm, answered.Command.ClientId, answered.Command.CommandId, answered.What, answered.Typed,
        answered.IsDone ? 1 : 0, answered.Reply, again);

    public void AddDeleted(string vm) => Do("INSERT INTO deleted VALUES ($0)", vm);

    public void AddLetters(string vm, string letters)
    {
        for (int at = 0; at < letters.Length; at++)
        {
            Do("INSERT INTO letter VALUES ($0, $1, $2)", vm, at + 1, letters[at].ToString());
        }
    }

    public void Add(ConsoleReader reader)
    {
        using SqliteTransaction transaction = _connection.BeginTransaction();
        int number = 0;
        foreach ((ulong offset, byte[] bytes) in reader.Chunks)
        {
            number++;
            for (int at = 0; at < bytes.Length; at++)
            {
                Do(
                    "INSERT INTO console VALUES ($0, $1, $2, $3, $4)",
                    reader.Vm, reader.Name, number, (long)offset + at, (int)bytes[at]);
            }
        }

        transaction.Commit();
        AddConsole(
            reader.Vm,
            reader.Name,
            Convert.ToHexStringLower(SHA256.HashData([.. reader.Chunks.SelectMany(chunk => chunk.Bytes)])));
    }

    /// <param name="source">A reader's name, or replay.</param>
    public void AddConsole(string vm, string source, string sha256) =>
        Do("INSERT INTO console_end VALUES ($0, $1, $2)", vm, source, sha256);

    public void Add(IEnumerable<MembershipSampler.Sample> samples)
    {
        using SqliteTransaction transaction = _connection.BeginTransaction();
        foreach (MembershipSampler.Sample sample in samples)
        {
            Do(
                "INSERT INTO sample VALUES ($0, $1, $2, $3, $4)",
                sample.Look, sample.What, sample.Id, sample.Value, sample.Epoch);
        }

        transaction.Commit();
    }

    /// <summary>Any statement, to build a case.</summary>
    public void Do(string sql, params object?[] values)
    {
        using SqliteCommand command = _connection.CreateCommand();
        command.CommandText = sql;
        for (int at = 0; at < values.Length; at++)
        {
            command.Parameters.AddWithValue(
                $"${at.ToString(CultureInfo.InvariantCulture)}", values[at] ?? DBNull.Value);
        }

        command.ExecuteNonQuery();
    }

    /// <summary>The chain as docs/journal-format.md has it; not the program's own code.</summary>
    private static byte[] Chain(
        byte[]? previous, string stream, long seq, long epoch, long kind, long version, long vmTime, string? client,
        string? command, byte[] payload)
    {
        using MemoryStream bytes = new();
        bytes.Write("KVAJRNL1"u8);
        bytes.Write(previous ?? new byte[32]);
        Text(stream);
        Number(seq, 8);
        Number(epoch, 8);
        Number(kind, 4);
        Number(version, 4);
        Number(vmTime, 8);
        bytes.WriteByte(client is null ? (byte)0 : (byte)1);
        if (client is not null)
        {
            Text(client);
            Text(command ?? "");
        }

        Number(payload.Length, 4);
        bytes.Write(payload);
        return SHA256.HashData(bytes.ToArray());

        void Number(long value, int size)
        {
            Span<byte> all = stackalloc byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(all, value);
            bytes.Write(all[..size]);
        }

        void Text(string value)
        {
            byte[] utf8 = Encoding.UTF8.GetBytes(value);
            Number(utf8.Length, 4);
            bytes.Write(utf8);
        }
    }

    /// <summary>Of a record: its VM, and what its event says of node, epoch, letters and console.</summary>
    private static object?[] Decode(object?[] row)
    {
        StreamId stream = new((string)row[0]!);
        JournalRecord record = new(
            stream,
            Convert.ToUInt64(row[1], CultureInfo.InvariantCulture),
            new Epoch(Convert.ToUInt64(row[2], CultureInfo.InvariantCulture)),
            (EventKind)Convert.ToInt32(row[3], CultureInfo.InvariantCulture),
            Convert.ToInt32(row[4], CultureInfo.InvariantCulture),
            Convert.ToUInt64(row[5], CultureInfo.InvariantCulture),
            Command: null,
            (byte[])row[8]!,
            Digest.Zero);
        JournalEvent happened = EventCodec.Decode(record);
        return
        [
            stream.Vm.Value,
            (happened as JournalEvent.Placed)?.Node.Value,
            (happened as JournalEvent.Placed)?.Epoch.Value,
            happened is JournalEvent.InputArrived input ? Encoding.ASCII.GetString([.. input.Bytes]) : null,
            (happened as JournalEvent.Progress)?.ConsoleBytes,
        ];
    }

    private static string Shown(object value) => value switch
    {
        byte[] bytes => Convert.ToHexStringLower(bytes.AsSpan(0, Math.Min(8, bytes.Length))),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };

    private async Task CopyAsync(
        DbConnection from, string select, string insert, Func<object?[], object?[]>? more = null)
    {
        await using DbCommand command = from.CreateCommand();
        command.CommandText = select;
        await using DbDataReader reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            object?[] row =
            [
                .. Enumerable.Range(0, reader.FieldCount)
                    .Select(at => reader.IsDBNull(at) ? null : reader.GetValue(at)),
            ];
            Do(insert, more is null ? row : [.. row, .. more(row)]);
        }
    }
}
