// SPDX-License-Identifier: Apache-2.0

using Microsoft.Win32.SafeHandles;

namespace KvmActors.Persistence.Sqlite;

/// <summary>The turn to write: a lock on <c>FILE.writer</c> that all processes of one store file share.</summary>
/// <remarks>SQLite itself lets only one writer in, but the others poll for it, and one can starve for seconds. Here
/// they wait in the kernel. A holder that dies releases the lock at once; a stopped one is for
/// <see cref="StoppedHolder"/>. <see cref="Acquire"/> and <see cref="Release"/> are one thread's; the rest is any
/// thread's.</remarks>
internal sealed class WriterLock : IDisposable
{
    private readonly SafeFileHandle _file;
    private LockHolder _self;

    internal WriterLock(string storePath)
    {
        Path = storePath + ".writer";
        _file = NativeFileLock.OpenOrCreate(Path);
        _self = LockHolder.Self();
    }

    internal string Path { get; }

    /// <summary>Waits for the turn, without end.</summary>
    internal void Acquire()
    {
        NativeFileLock.Lock(_file, Path);
        _self = _self with { Serial = _self.Serial + 1 };
        RandomAccess.Write(_file, _self.ToStamp(), fileOffset: 0);
    }

    internal void Release() => NativeFileLock.Unlock(_file);

    /// <returns>Who last got the turn, or null where that cannot be told.</returns>
    internal LockHolder? ReadHolder()
    {
        Span<byte> stamp = stackalloc byte[LockHolder.StampBytes];
        int read = RandomAccess.Read(_file, stamp, fileOffset: 0);
        return LockHolder.Parse(stamp[..read]);
    }

    /// <summary>Whether the kernel says that this process holds the lock now: the stamp alone may be an earlier
    /// holder's.</summary>
    /// <remarks>Source: proc(5), /proc/locks; the inode is read from /proc/self/fdinfo.</remarks>
    internal bool IsHeldBy(int processId)
    {
        try
        {
            string handle = _file.DangerousGetHandle().ToString(System.Globalization.CultureInfo.InvariantCulture);
            string? inode = File.ReadLines($"/proc/self/fdinfo/{handle}")
                .FirstOrDefault(line => line.StartsWith("ino:", StringComparison.Ordinal))?[4..].Trim();
            return inode is not null && File.ReadLines("/proc/locks")
                .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                .Any(fields => fields is [_, "FLOCK", _, "WRITE", string holder, string place, ..]
                    && holder == processId.ToString(System.Globalization.CultureInfo.InvariantCulture)
                    && place.EndsWith(":" + inode, StringComparison.Ordinal));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    public void Dispose() => _file.Dispose();
}
