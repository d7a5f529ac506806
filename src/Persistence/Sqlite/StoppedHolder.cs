// SPDX-License-Identifier: Apache-2.0

using Microsoft.Win32.SafeHandles;

namespace KvmActors.Persistence.Sqlite;

/// <summary>Frees the writer lock from a process that was stopped (SIGSTOP) while it held it: such a process would
/// block every writer of the store for ever.</summary>
/// <remarks>
/// It is killed only if all of this holds; else it is left alone and its waiters are refused in time:
/// the stamp in the lock file has not changed for the given time while somebody waited; the stamp is of this boot and
/// not of this process; the process of that id began when the stamp says; the kernel lists it as holder of this very
/// lock; and its state is "stopped". A process that is only slow is never killed, nor one that a debugger holds. The
/// signal goes through a pidfd that was opened before these checks, so it cannot hit another process that got the same
/// id. A killed writer loses nothing: SQLite's WAL ignores the transaction it was in.
/// </remarks>
internal sealed class StoppedHolder(WriterLock turn, TimeSpan after)
{
    private const char Stopped = 'T';

    private LockHolder? _seen;
    private TimeSpan _seenAt;

    /// <summary>Looks at the holder; called now and then while this process waits for the lock.</summary>
    /// <param name="now">Any clock that only rises.</param>
    /// <returns>True where the holder was killed.</returns>
    internal bool Inspect(TimeSpan now)
    {
        LockHolder? holder = turn.ReadHolder();
        if (holder is null || holder != _seen)
        {
            _seen = holder;
            _seenAt = now;
            return false;
        }

        bool isDue = after != Timeout.InfiniteTimeSpan && now - _seenAt >= after;
        return isDue && KillIfStopped(holder);
    }

    /// <summary>Forgets what was seen: this process no longer waits.</summary>
    internal void Forget() => _seen = null;

    /// <summary>Who holds the lock, for a message.</summary>
    internal string Describe() => turn.ReadHolder() is { } holder
        ? $"process {holder.ProcessId} "
            + $"({(LockHolder.ReadProcess(holder.ProcessId) is { } found ? $"state {found.State}" : "gone")})"
        : "an unknown process";

    private bool KillIfStopped(LockHolder holder)
    {
        if (holder.ProcessId == Environment.ProcessId || holder.BootId != LockHolder.Self().BootId)
        {
            return false;
        }

        using SafeFileHandle? process = NativeFileLock.OpenProcess(holder.ProcessId);
        return process is not null
            && LockHolder.ReadProcess(holder.ProcessId) is { State: Stopped } found
            && found.StartTicks == holder.StartTicks
            && turn.IsHeldBy(holder.ProcessId)
            && NativeFileLock.Kill(process);
    }
}
