// SPDX-License-Identifier: Apache-2.0

using System.Globalization;

namespace KvmActors.Persistence.Sqlite;

/// <summary>The tables, and whether a file holds them. See <c>docs/journal-format.md</c>.</summary>
internal static class SqliteSchema
{
    /// <summary>"KVMA" in the header of the file, so that another program's database is told from ours.
    /// Source: sqlite.org/fileformat2.html, section 1.3, "Application ID".</summary>
    internal const int ApplicationId = 0x4B564D41;

    internal const int Version = 1;

    private const string Tables = """
        CREATE TABLE meta(
          key TEXT PRIMARY KEY,
          value ANY NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE node(
          node_id TEXT PRIMARY KEY,
          name TEXT NOT NULL,
          endpoint TEXT NOT NULL,
          boot_id TEXT NOT NULL,
          pid INTEGER NOT NULL,
          host_vendor INTEGER NOT NULL,
          status INTEGER NOT NULL,
          lease_until_ms INTEGER NOT NULL,
          lease_ms INTEGER NOT NULL,
          cpuid_table TEXT NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE stream(
          stream_id TEXT PRIMARY KEY,
          vm_id TEXT NOT NULL,
          vcpu INTEGER NOT NULL,
          owner TEXT,
          epoch INTEGER NOT NULL,
          state INTEGER NOT NULL,
          head_seq INTEGER NOT NULL,
          head_hash BLOB NOT NULL,
          snap_id INTEGER NOT NULL,
          mig_id TEXT,
          target TEXT,
          fail_count INTEGER NOT NULL,
          out_released INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE UNIQUE INDEX stream_by_vm ON stream(vm_id, vcpu);
        CREATE TABLE journal(
          stream_id TEXT NOT NULL,
          seq INTEGER NOT NULL,
          epoch INTEGER NOT NULL,
          kind INTEGER NOT NULL,
          ver INTEGER NOT NULL,
          vm_time INTEGER NOT NULL,
          client_id TEXT,
          cmd_id TEXT,
          payload BLOB NOT NULL,
          hash BLOB NOT NULL,
          PRIMARY KEY(stream_id, seq)) STRICT, WITHOUT ROWID;
        CREATE TABLE dedup(
          stream_id TEXT NOT NULL,
          client_id TEXT NOT NULL,
          cmd_id TEXT NOT NULL,
          reply BLOB NOT NULL,
          at_ms INTEGER NOT NULL,
          PRIMARY KEY(stream_id, client_id, cmd_id)) STRICT, WITHOUT ROWID;
        CREATE TABLE snapshot(
          vm_id TEXT NOT NULL,
          id INTEGER NOT NULL,
          epoch INTEGER NOT NULL,
          vm_time INTEGER NOT NULL,
          stream_heads BLOB NOT NULL,
          state BLOB NOT NULL,
          page_index BLOB NOT NULL,
          console BLOB NOT NULL,
          sha256 BLOB NOT NULL,
          PRIMARY KEY(vm_id, id)) STRICT;
        CREATE INDEX snapshot_by_time ON snapshot(vm_id, vm_time, id);
        CREATE TABLE page(
          digest BLOB PRIMARY KEY,
          encoding INTEGER NOT NULL,
          bytes BLOB NOT NULL) STRICT;
        """;

    /// <summary>Creates the tables in a database that holds none, else checks that they are ours. The caller has the
    /// turn to write.</summary>
    /// <exception cref="StoreOpenException">The database is another program's, or of another version.</exception>
    internal static void CreateOrCheck(SqliteSession session, string path)
    {
        if (ReadApplicationId(session) == 0 && session.Scalar("SELECT 1 FROM sqlite_schema LIMIT 1") is null)
        {
            session.Execute("PRAGMA journal_mode = WAL");
            session.Execute("BEGIN IMMEDIATE");
            session.ExecuteScript(Tables);
            session.Execute("INSERT INTO meta(key, value) VALUES ('schema_ver', ?1)", Version);
            session.Execute("INSERT INTO meta(key, value) VALUES ('cluster_id', ?1)", Guid.NewGuid().ToString());
            session.Execute($"PRAGMA application_id = {ApplicationId.ToString(CultureInfo.InvariantCulture)}");
            session.Execute("COMMIT");
        }

        Check(session, path);
    }

    /// <exception cref="StoreOpenException">The database is another program's, or of another version.</exception>
    internal static void Check(SqliteSession session, string path)
    {
        int found = ReadApplicationId(session);
        if (found != ApplicationId)
        {
            throw new StoreOpenException(
                $"Expected a KvmActors store at {path} (application id 0x{ApplicationId:x}), found an SQLite "
                + $"database of another program (application id 0x{found:x}). Name another file; this one was not "
                + "changed.");
        }

        object? version = session.Scalar("SELECT value FROM meta WHERE key = 'schema_ver'");
        if (version is not long and not null || version is not (long)Version)
        {
            throw new StoreOpenException(
                $"Expected the store {path} in schema version {Version}, found version {version ?? "none"}. Open it "
                + "with the version of KvmActors that wrote it.");
        }
    }

    private static int ReadApplicationId(SqliteSession session) =>
        Convert.ToInt32(session.Scalar("PRAGMA application_id"), CultureInfo.InvariantCulture);
}
