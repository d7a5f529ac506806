// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Journal;

namespace KvmActors.Persistence.Sqlite;

/// <summary>The table <c>dedup</c>: replies to handled commands.</summary>
internal static class SqliteReplies
{
    private const string FindReply =
        "SELECT reply FROM dedup WHERE stream_id = ?1 AND client_id = ?2 AND cmd_id = ?3";

    private const string Store =
        """
        INSERT INTO dedup(stream_id, client_id, cmd_id, reply, at_ms) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT DO NOTHING
        """;

    private const string Delete = "DELETE FROM dedup WHERE at_ms < ?1";

    /// <summary>A client that retries after longer finds its command not handled. Pruned when a node opens the
    /// store.</summary>
    internal static TimeSpan KeptFor { get; } = TimeSpan.FromHours(24);

    internal static DedupEntry? Find(SqliteSession session, StreamId stream, CommandId command) => session.Find(
        FindReply,
        row => new DedupEntry(stream, command, row.GetBytes(0)),
        stream,
        command.Client,
        command.Command);

    /// <returns>False where the command has a reply already.</returns>
    internal static bool TryKeep(SqliteSession session, DedupEntry entry, long wallNowMs) => session.Execute(
        Store, entry.Stream, entry.Command.Client, entry.Command.Command, entry.Reply, wallNowMs) == 1;

    /// <returns>Replies deleted.</returns>
    internal static int Prune(SqliteSession session, long olderThanMs) => session.Execute(Delete, olderThanMs);
}
