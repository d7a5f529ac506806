// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Membership;

namespace KvmActors.Persistence.Postgres;

/// <summary>Membership by compare-and-swap: a step is decided here, by the rules that every store shares, on what one
/// statement read, and is written by a second one if nobody wrote meanwhile; else it is decided anew.</summary>
/// <remarks>No lock is held between the two, so a node that stops in between holds up nobody. Leases count from the
/// moment of the read, so one is never longer than it was asked for.</remarks>
internal sealed class PostgresMembership(PostgresServer server, string clockName)
{
    private const string ReadMeta =
        $"""
        SELECT key, value, coalesce($1, {PostgresSchema.ClockMs}) FROM meta
        WHERE key NOT LIKE 'generation/%' OR key = 'generation/' || $2
        """;

    private const string ReadClock = $"SELECT coalesce($1, {PostgresSchema.ClockMs})";

    private const string FindNodes =
        $"""
        SELECT {PostgresRows.NodeColumns} FROM node WHERE node_id = $1 OR name = $2
        """;

    private const string FindListed =
        $"""
        SELECT {PostgresRows.NodeColumns} FROM node
        WHERE status <> 3 OR node_id IN (SELECT owner FROM stream WHERE owner IS NOT NULL)
        ORDER BY node_id
        """;

    // Every step counts the version, so that of two at one time the second finds it changed.
    private const string Write =
        """
        WITH v AS (
          UPDATE meta SET value = (value::bigint + 1)::text
          WHERE key = 'membership_version' AND value = $1 RETURNING 1),
        m AS (
          INSERT INTO meta(key, value)
          SELECT u.key, u.value FROM v, unnest($2, $3) AS u(key, value)
          ON CONFLICT (key) DO UPDATE SET value = excluded.value),
        n AS (
          INSERT INTO node(
            node_id, name, endpoint, boot_id, pid, host_vendor, status, lease_until_ms, lease_ms, cpuid_table)
          SELECT u.* FROM v, unnest($4, $5, $6, $7, $8, $9, $10, $11, $12, $13) AS u
          ON CONFLICT (node_id) DO UPDATE SET
            status = excluded.status, lease_until_ms = excluded.lease_until_ms, lease_ms = excluded.lease_ms)
        SELECT count(*) FROM v
        """;

    /// <param name="node">Of which the step asks; null: none.</param>
    /// <param name="name">Of whose lives it asks; null: none.</param>
    internal Task<T> StepAsync<T>(
        NodeId? node, string? name, Func<MembershipSteps, T> step, CancellationToken cancellationToken) =>
        server.RunMemberAsync(session => TryAsync(session, node, name, step, cancellationToken), cancellationToken);

    internal static async Task<IReadOnlyList<NodeRow>> ListAsync(
        PostgresSession session, CancellationToken cancellationToken) =>
        await session.QueryAsync(FindListed, row => PostgresRows.Node(row).Row, cancellationToken)
            .ConfigureAwait(false);

    internal static async Task<long> ClockAsync(
        PostgresSession session, object clock, CancellationToken cancellationToken) =>
        (long)(await session.ScalarAsync(ReadClock, cancellationToken, clock).ConfigureAwait(false))!;

    private async Task<T> TryAsync<T>(
        PostgresSession session,
        NodeId? node,
        string? name,
        Func<MembershipSteps, T> step,
        CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            (Dictionary<string, string> meta, long nowMs, List<NodeEntry> nodes) =
                await ReadAsync(session, node, name, cancellationToken).ConfigureAwait(false);
            PostgresNodeTable table = new(nodes, meta);
            T result = step(new MembershipSteps(table, clockName, nowMs));
            bool writes = table.ChangedNodes.Count + table.ChangedMeta.Count > 0;
            if (!writes || await WriteAsync(session, meta[PostgresNodeTable.Version], table).ConfigureAwait(false))
            {
                return result;
            }
        }
    }

    /// <summary>The version is read before what it is the version of, so that a change in between is
    /// noticed.</summary>
    private async Task<(Dictionary<string, string> Meta, long NowMs, List<NodeEntry> Nodes)> ReadAsync(
        PostgresSession session, NodeId? node, string? name, CancellationToken cancellationToken)
    {
        List<(string Key, string Value, long NowMs)> meta = await session.QueryAsync(
            ReadMeta,
            row => (row.GetString(0), row.GetString(1), row.GetInt64(2)),
            cancellationToken,
            server.ClockParameter,
            name ?? "").ConfigureAwait(false);
        List<NodeEntry> nodes = await session.QueryAsync(
            FindNodes, PostgresRows.Node, cancellationToken, node?.Value ?? "", name ?? "").ConfigureAwait(false);
        return (meta.ToDictionary(row => row.Key, row => row.Value), meta[0].NowMs, nodes);
    }

    /// <returns>False where another step was written meanwhile.</returns>
    private static async Task<bool> WriteAsync(PostgresSession session, string version, PostgresNodeTable table)
    {
        NodeEntry[] nodes = [.. table.ChangedNodes.Values];
        List<long> written = await session.QueryAsync(
            Write,
            row => row.GetInt64(0),
            CancellationToken.None,
            version,
            table.ChangedMeta.Keys.ToArray(),
            table.ChangedMeta.Values.ToArray(),
            Array.ConvertAll(nodes, node => node.Row.Id.Value),
            Array.ConvertAll(nodes, node => node.Row.Id.Name),
            Array.ConvertAll(nodes, node => node.Row.Endpoint),
            Array.ConvertAll(nodes, node => node.Row.BootId),
            Array.ConvertAll(nodes, node => node.Row.ProcessId),
            Array.ConvertAll(nodes, node => (int)node.Row.HostVendor),
            Array.ConvertAll(nodes, node => (int)node.Row.Status),
            Array.ConvertAll(nodes, node => node.Row.LeaseUntilMs),
            Array.ConvertAll(nodes, node => node.LeaseMs),
            Array.ConvertAll(nodes, node => node.Row.CpuidTable)).ConfigureAwait(false);
        return written[0] == 1;
    }
}
