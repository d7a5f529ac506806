// SPDX-License-Identifier: Apache-2.0

using System.Net.Sockets;
using Npgsql;

namespace KvmActors.Persistence.Postgres;

/// <summary>Npgsql's faults and PostgreSQL's error codes as this project's exceptions. Source: postgresql.org,
/// "PostgreSQL Error Codes".</summary>
internal static class PostgresFault
{
    private const string Deadlock = "40P01";
    private const string SerializationFailure = "40001";
    private const string StatementCancelled = "57014";
    private const string UniqueViolation = "23505";
    private const string InvalidText = "22021";
    private const string DataCorrupted = "XX001";
    private const string IndexCorrupted = "XX002";

    /// <summary>The server undid the transaction because of another one: the same again may do.</summary>
    internal static bool IsPassing(Exception fault) =>
        fault is PostgresException { SqlState: Deadlock or SerializationFailure };

    internal static bool IsDuplicateKey(Exception fault, string constraint) =>
        fault is PostgresException { SqlState: UniqueViolation } postgres && postgres.ConstraintName == constraint;

    /// <summary>Whether an exception is the server's or the connection's.</summary>
    internal static bool IsOfStore(Exception fault) =>
        fault is NpgsqlException or SocketException or IOException or TimeoutException;

    /// <summary>Whether the server said that it did not do it, and the connection still stands. After an error of its
    /// shutdown (57P01 to 57P05), of the connection (08) or of the system (58), after one that ends its process (FATAL,
    /// or PANIC where the disk of its log is full, which has the same code as an ERROR), and without any answer, it may
    /// have committed.</summary>
    internal static bool IsRefusal(Exception fault) =>
        fault is PostgresException { InvariantSeverity: "ERROR" } postgres
        && (postgres.SqlState == StatementCancelled
            || !(postgres.SqlState.StartsWith("57", StringComparison.Ordinal)
                || postgres.SqlState.StartsWith("08", StringComparison.Ordinal)
                || postgres.SqlState.StartsWith("58", StringComparison.Ordinal)));

    internal static CommitOutcome OutcomeOf(Exception fault) =>
        IsRefusal(fault) ? CommitOutcome.NotCommitted : CommitOutcome.Unknown;

    /// <summary>A connection could not be made: nothing was sent.</summary>
    internal static StoreUnavailableException AtConnecting(Exception fault, PostgresAddress address) => new(
        $"The store {address} cannot be reached: {Sentence(fault)}", CommitOutcome.NotCommitted, fault);

    internal static StoreOpenException AtOpening(Exception fault, PostgresAddress address) => new(
        $"Expected to open the store {address}, found: {Sentence(fault)} {AdviceOf(fault)}", fault);

    internal static Exception AtRead(Exception fault, PostgresAddress address) => (Exception?)Damage(fault, address)
        ?? new StoreUnavailableException(
            $"The store {address} could not be read: {Sentence(fault)}", CommitOutcome.NotCommitted, fault);

    internal static Exception AtWrite(Exception fault, PostgresAddress address) => (Exception?)Damage(fault, address)
        ?? (fault is PostgresException { SqlState: InvalidText }
            ? new ArgumentException($"The store {address} holds no text with this: {Sentence(fault)}", fault)
            : new StoreUnavailableException(
                $"The store {address} did not take a commit ({OutcomeOf(fault)}): {Sentence(fault)}",
                OutcomeOf(fault),
                fault));

    private static StoreCorruptException? Damage(Exception fault, PostgresAddress address) =>
        fault is PostgresException { SqlState: DataCorrupted or IndexCorrupted }
            ? new StoreCorruptException(
                $"The store {address} is damaged: expected sound tables, found \"{Sentence(fault)}\" Restore it from "
                + "a backup, or look with pg_amcheck at what is left.",
                fault)
            : null;

    private static string AdviceOf(Exception fault) => fault switch
    {
        PostgresException { SqlState: "28P01" or "28000" } => "Check user, password file and pg_hba.conf.",
        PostgresException { SqlState: "3D000" } => "Create the database (createdb), or name another.",
        PostgresException { SqlState: "42501" } => "Grant the user CREATE on the database, or own the schema.",
        _ => "Check host, port, and that the server runs and takes connections.",
    };

    private static string Sentence(Exception fault)
    {
        string text = fault switch
        {
            PostgresException postgres => $"{postgres.MessageText} ({postgres.SqlState})",
            NpgsqlException { InnerException: { } inner } => $"{fault.Message}: {inner.Message}",
            _ => fault.Message,
        };
        text = text.ReplaceLineEndings(" ").TrimEnd();
        return text.EndsWith('.') ? text : $"{text}.";
    }
}
