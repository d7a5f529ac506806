// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.Text;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace KvmActors.Benchmarks.Journal;

/// <summary>SQLite without a store around it: the rows that the store would write into its journal, the same bytes in
/// the same columns with the same settings, bound to one prepared statement. No fence, no chain, nobody who waits for
/// an answer.</summary>
internal static class RawAppends
{
    /// <summary>Rows a second, one of each stream in a transaction.</summary>
    public static double Measure(string path, int streams, int eventsEach)
    {
        using SqliteConnection connection = new($"Data Source={path};Pooling=False");
        connection.Open();
        Execute(connection, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 8192;");
        Execute(
            connection,
            """
            CREATE TABLE journal(
              stream_id TEXT NOT NULL, seq INTEGER NOT NULL, epoch INTEGER NOT NULL, kind INTEGER NOT NULL,
              ver INTEGER NOT NULL, vm_time INTEGER NOT NULL, client_id TEXT, cmd_id TEXT, payload BLOB NOT NULL,
              hash BLOB NOT NULL, PRIMARY KEY(stream_id, seq)) STRICT, WITHOUT ROWID;
            """);
        using sqlite3_stmt begin = Prepare(connection, "BEGIN IMMEDIATE");
        using sqlite3_stmt insert = Prepare(connection, "INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
        using sqlite3_stmt commit = Prepare(connection, "COMMIT");
        byte[][] names = [.. Enumerable.Range(0, streams).Select(number => Encoding.UTF8.GetBytes($"vm-{number}/0"))];
        byte[] hash = new byte[Digest.SizeBytes];
        long start = Stopwatch.GetTimestamp();
        for (int number = 1; number <= eventsEach; number++)
        {
            EncodedEvent encoded = EventCodec.Encode(Appends.Event((ulong)number));
            Step(connection, begin);
            foreach (byte[] name in names)
            {
                Bind(insert, name, number, encoded, hash);
                Step(connection, insert);
            }

            Step(connection, commit);
        }

        return streams * eventsEach / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static void Bind(sqlite3_stmt insert, byte[] stream, int number, EncodedEvent encoded, byte[] hash)
    {
        _ = raw.sqlite3_bind_text(insert, 1, stream);
        _ = raw.sqlite3_bind_int64(insert, 2, number);
        _ = raw.sqlite3_bind_int64(insert, 3, 1);
        _ = raw.sqlite3_bind_int64(insert, 4, (long)encoded.Kind);
        _ = raw.sqlite3_bind_int64(insert, 5, encoded.Version);
        _ = raw.sqlite3_bind_int64(insert, 6, number * 1000);
        _ = raw.sqlite3_bind_blob(insert, 9, encoded.Payload.Span);
        _ = raw.sqlite3_bind_blob(insert, 10, hash);
    }

    private static sqlite3_stmt Prepare(SqliteConnection connection, string text)
    {
        SqliteException.ThrowExceptionForRC(
            raw.sqlite3_prepare_v2(connection.Handle, text, out sqlite3_stmt statement), connection.Handle);
        return statement;
    }

    private static void Step(SqliteConnection connection, sqlite3_stmt statement)
    {
        int found = raw.sqlite3_step(statement);
        SqliteException.ThrowExceptionForRC(found == raw.SQLITE_DONE ? raw.SQLITE_OK : found, connection.Handle);
        _ = raw.sqlite3_reset(statement);
    }

    private static void Execute(SqliteConnection connection, string text)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = text;
        _ = command.ExecuteNonQuery();
    }
}
