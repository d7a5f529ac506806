// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Sqlite;

/// <inheritdoc/>
/// <param name="work">Gives the result, and whether what it wrote stays.</param>
internal sealed class WriteJob<T>(WriteLane lane, TimeSpan queuedAt, Func<SqliteSession, (T Result, bool Keep)> work)
    : WriteJob(lane, queuedAt)
{
    // The writer must not run its waiters' code: it would hold up the next group.
    private readonly TaskCompletionSource<T> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private T? _result;

    internal Task<T> Task => _answer.Task;

    internal override bool Apply(SqliteSession session)
    {
        (_result, bool keep) = work(session);
        return keep;
    }

    internal override void Answer() => _answer.TrySetResult(_result!);

    internal override void Fail(Exception fault) => _answer.TrySetException(fault);
}
