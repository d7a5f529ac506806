// SPDX-License-Identifier: Apache-2.0

using Microsoft.Data.Sqlite;

namespace KvmActors.Persistence.Sqlite;

/// <summary>SQLite's result codes as this project's exceptions. Source: sqlite.org/rescode.html.</summary>
internal static class SqliteFault
{
    private const int Busy = 5;
    private const int Corrupt = 11;
    private const int Constraint = 19;
    private const int NotADatabase = 26;

    internal static bool IsConstraint(SqliteException fault) => fault.SqliteErrorCode == Constraint;

    /// <summary>A busy database refused the commit as a whole; after any other fault part of it may be on the
    /// disk.</summary>
    internal static CommitOutcome OutcomeOfCommit(SqliteException fault) =>
        fault.SqliteErrorCode == Busy ? CommitOutcome.NotCommitted : CommitOutcome.Unknown;

    internal static Exception AtOpening(SqliteException fault, string path) => fault.SqliteErrorCode switch
    {
        NotADatabase => new StoreOpenException(
            $"Expected a KvmActors store at {path}, found a file that is no SQLite database. Name another file; this "
            + "one was not changed.",
            fault),
        Corrupt => Damaged(fault, path),
        _ => new StoreOpenException(
            $"Expected to open the store {path}, found: {fault.Message} Check that the file, its folder and its "
            + "\"-wal\" and \"-shm\" files can be read and written.",
            fault),
    };

    internal static Exception AtRead(SqliteException fault, string path) => IsDamage(fault)
        ? Damaged(fault, path)
        : new StoreUnavailableException(
            $"The store {path} could not be read: {fault.Message}", CommitOutcome.NotCommitted, fault);

    internal static Exception AtWrite(SqliteException fault, string path, CommitOutcome outcome) => IsDamage(fault)
        ? Damaged(fault, path)
        : new StoreUnavailableException(
            $"The store {path} did not take a commit ({outcome}): {fault.Message}", outcome, fault);

    private static bool IsDamage(SqliteException fault) => fault.SqliteErrorCode is Corrupt or NotADatabase;

    private static StoreCorruptException Damaged(SqliteException fault, string path) => new(
        $"The store {path} is damaged: expected sound database pages, found \"{fault.Message}\" Restore it from a "
        + "backup, or save what is left with SQLite's \".recover\" and verify the journal of each VM.",
        fault);
}
