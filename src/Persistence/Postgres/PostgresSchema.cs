// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Postgres;

/// <summary>The tables: those of SQLite, in PostgreSQL's types. See <c>docs/journal-format.md</c>.</summary>
/// <remarks>Names compare byte by byte (COLLATE "C"), as they do everywhere else here. A fence row is written at each
/// append and its indexed columns never change, so half of each block is left free: the new version goes beside the old
/// one (HOT).</remarks>
internal static class PostgresSchema
{
    internal const int Version = 1;

    internal const string Tables =
        """
        CREATE TABLE meta(
          key text COLLATE "C" PRIMARY KEY,
          value text NOT NULL) WITH (fillfactor = 50);
        CREATE TABLE node(
          node_id text COLLATE "C" PRIMARY KEY,
          name text COLLATE "C" NOT NULL,
          endpoint text NOT NULL,
          boot_id text NOT NULL,
          pid integer NOT NULL,
          host_vendor integer NOT NULL,
          status integer NOT NULL,
          lease_until_ms bigint NOT NULL,
          lease_ms bigint NOT NULL,
          cpuid_table text NOT NULL) WITH (fillfactor = 50);
        CREATE TABLE stream(
          stream_id text COLLATE "C" PRIMARY KEY,
          vm_id text COLLATE "C" NOT NULL,
          vcpu integer NOT NULL,
          owner text COLLATE "C",
          epoch bigint NOT NULL,
          state integer NOT NULL,
          head_seq bigint NOT NULL,
          head_hash bytea NOT NULL,
          snap_id bigint NOT NULL,
          mig_id text COLLATE "C",
          target text COLLATE "C",
          fail_count integer NOT NULL,
          out_released bigint NOT NULL) WITH (fillfactor = 50);
        CREATE UNIQUE INDEX stream_by_vm ON stream(vm_id, vcpu);
        CREATE TABLE journal(
          stream_id text COLLATE "C" NOT NULL,
          seq bigint NOT NULL,
          epoch bigint NOT NULL,
          kind integer NOT NULL,
          ver integer NOT NULL,
          vm_time bigint NOT NULL,
          client_id text COLLATE "C",
          cmd_id text COLLATE "C",
          payload bytea NOT NULL,
          hash bytea NOT NULL,
          PRIMARY KEY(stream_id, seq));
        CREATE TABLE dedup(
          stream_id text COLLATE "C" NOT NULL,
          client_id text COLLATE "C" NOT NULL,
          cmd_id text COLLATE "C" NOT NULL,
          reply bytea NOT NULL,
          at_ms bigint NOT NULL,
          PRIMARY KEY(stream_id, client_id, cmd_id));
        CREATE TABLE snapshot(
          vm_id text COLLATE "C" NOT NULL,
          id bigint NOT NULL,
          epoch bigint NOT NULL,
          vm_time bigint NOT NULL,
          stream_heads bytea NOT NULL,
          state bytea NOT NULL,
          page_index bytea NOT NULL,
          console bytea NOT NULL,
          sha256 bytea NOT NULL,
          PRIMARY KEY(vm_id, id));
        CREATE INDEX snapshot_by_time ON snapshot(vm_id, vm_time, id);
        CREATE TABLE page(
          digest bytea PRIMARY KEY,
          encoding integer NOT NULL,
          bytes bytea NOT NULL);
        ALTER TABLE page ALTER COLUMN bytes SET STORAGE EXTERNAL;
        """;

    /// <summary>Milliseconds of the server's clock.</summary>
    internal const string ClockMs = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

    /// <summary>Key of the lock that keeps collections of pages and commits of snapshots apart: of this schema.
    /// </summary>
    internal const string PagesKey = "hashtextextended(current_schema() || '/pages', 0)";
}
