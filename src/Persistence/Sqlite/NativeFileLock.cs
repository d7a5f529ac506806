// SPDX-License-Identifier: Apache-2.0

using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace KvmActors.Persistence.Sqlite;

// JUSTIFICATION: .NET has no call that waits for a file lock: FileStream only tries, so writers would have to poll. It
// has no handle on a process that survives the reuse of a process id either.
// SAFETY: no pointer is passed but a string and null; handles are counted by SafeFileHandle, results are checked.

/// <summary>flock(2), and the pidfd calls. The only native calls of this project; Linux.</summary>
/// <remarks>A lock belongs to one opening of a file, and the kernel releases it when the last handle of that opening is
/// closed, thus also when the process dies in whatever way. Source: flock(2), pidfd_open(2),
/// pidfd_send_signal(2).</remarks>
internal static class NativeFileLock
{
    private const int OpenReadWrite = 0x2;
    private const int OpenCreate = 0x40;
    private const int OpenCloseOnExec = 0x80000;
    private const int ModeOwnerWritesAllRead = 0x1A4; // 0644

    private const int LockExclusive = 2;
    private const int LockNonBlocking = 4;
    private const int LockRelease = 8;

    private const int ErrorInterrupted = 4;
    private const int ErrorWouldBlock = 11;
    private const int ErrorNoEntry = 2;

    private const long SyscallPidfdSendSignal = 424;
    private const long SyscallPidfdOpen = 434;
    private const int SignalKill = 9;

    /// <summary>Opens a file without the lock that <see cref="File.OpenHandle"/> takes by itself.</summary>
    /// <exception cref="IOException">The file cannot be opened or created.</exception>
    internal static SafeFileHandle OpenOrCreate(string path) =>
        TryOpen(path, OpenReadWrite | OpenCreate | OpenCloseOnExec) ?? throw Fault("open", path, ErrorNoEntry);

    /// <returns>Null where there is no such file.</returns>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    internal static SafeFileHandle? OpenExisting(string path) => TryOpen(path, OpenReadWrite | OpenCloseOnExec);

    /// <summary>Waits until this opening holds the lock alone. Cannot be cancelled.</summary>
    internal static void Lock(SafeFileHandle file, string path)
    {
        while (flock(file, LockExclusive) != 0)
        {
            int error = Marshal.GetLastPInvokeError();
            if (error != ErrorInterrupted)
            {
                throw Fault("flock", path, error);
            }
        }
    }

    /// <returns>False where another opening holds the lock.</returns>
    internal static bool TryLock(SafeFileHandle file, string path)
    {
        while (flock(file, LockExclusive | LockNonBlocking) != 0)
        {
            int error = Marshal.GetLastPInvokeError();
            if (error == ErrorWouldBlock)
            {
                return false;
            }

            if (error != ErrorInterrupted)
            {
                throw Fault("flock", path, error);
            }
        }

        return true;
    }

    internal static void Unlock(SafeFileHandle file) => _ = flock(file, LockRelease);

    /// <summary>A handle on a process, which never means another one, even where its id is used again.</summary>
    /// <returns>Null where there is no such process.</returns>
    internal static SafeFileHandle? OpenProcess(int processId)
    {
        long handle = syscall(SyscallPidfdOpen, processId, 0, 0, 0);
        return handle < 0 ? null : new SafeFileHandle((nint)handle, ownsHandle: true);
    }

    /// <summary>SIGKILL.</summary>
    /// <returns>False where the process is gone already, or is not ours to kill.</returns>
    internal static bool Kill(SafeFileHandle process) =>
        syscall(SyscallPidfdSendSignal, process.DangerousGetHandle(), SignalKill, 0, 0) == 0;

    private static SafeFileHandle? TryOpen(string path, int flags)
    {
        int handle = open(path, flags, ModeOwnerWritesAllRead);
        if (handle >= 0)
        {
            return new SafeFileHandle(handle, ownsHandle: true);
        }

        int error = Marshal.GetLastPInvokeError();
        return error == ErrorNoEntry && (flags & OpenCreate) == 0 ? null : throw Fault("open", path, error);
    }

    private static IOException Fault(string call, string path, int error) =>
        new($"Expected {call} of {path} to work, found: {new Win32Exception(error).Message}.");

#pragma warning disable SYSLIB1054 // LibraryImport needs unsafe code, which this project does without.
    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags, int mode);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int flock(SafeFileHandle file, int operation);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern long syscall(long number, nint first, nint second, nint third, nint fourth);
#pragma warning restore SYSLIB1054
}
