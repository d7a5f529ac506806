// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Sqlite;

/// <summary>One piece of a group: what it does, and who waits for it.</summary>
internal abstract class WriteJob(WriteLane lane, TimeSpan queuedAt)
{
    internal WriteLane Lane => lane;

    internal TimeSpan QueuedAt => queuedAt;

    /// <summary>The waiter gave up before the job was begun. It will not be done.</summary>
    internal bool IsAbandoned { get; set; }

    /// <summary>Does the work inside the group's transaction. It may be done again, from the same rows, after a
    /// rollback.</summary>
    /// <returns>False where nothing that it wrote may stay.</returns>
    internal abstract bool Apply(SqliteSession session);

    /// <summary>The group is committed: tells the waiter.</summary>
    internal abstract void Answer();

    internal abstract void Fail(Exception fault);
}
