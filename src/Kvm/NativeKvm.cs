// SPDX-License-Identifier: Apache-2.0

using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace KvmActors.Kvm;

// JUSTIFICATION: KVM is asked by ioctl on a device and talks through mapped memory; .NET has no call for either.
// SAFETY: every argument is a string, a number, a handle counted by SafeFileHandle, or an array that the runtime pins
// for the call and whose size the caller takes from the request's number; results are checked by the callers.

/// <summary>open(2), ioctl(2), mmap(2) and the calls that interrupt a thread. The only native calls of this project;
/// Linux on x86-64.</summary>
internal static class NativeKvm
{
    public const int OpenReadWrite = 0x2;
    public const int OpenCloseOnExec = 0x80000;
    public const int ProtectReadWrite = 3;
    public const int MapShared = 1;
    public const int MapPrivateAnonymous = 0x22;

    private const long SyscallGetThreadId = 186;
    private const long SyscallSignalThread = 234;

    public static int LastErrno => Marshal.GetLastPInvokeError();

    public static SafeFileHandle? TryOpen(string path)
    {
        int handle = open(path, OpenReadWrite | OpenCloseOnExec);
        return handle < 0 ? null : new SafeFileHandle(handle, ownsHandle: true);
    }

    /// <summary>A request whose argument is a number.</summary>
    public static int Control(SafeFileHandle file, uint request, nint argument) => ioctl(file, request, argument);

    /// <summary>A request whose argument is a structure, read and written in place.</summary>
    public static int Control(SafeFileHandle file, uint request, byte[] argument) => ioctl(file, request, argument);

    /// <summary>The id that <see cref="Interrupt"/> takes.</summary>
    public static nint CurrentThread() => (nint)syscall(SyscallGetThreadId, 0, 0, 0);

    /// <summary>Sends a thread of this process a signal, so that what it waits for ends with EINTR.</summary>
    public static void Interrupt(nint thread, int signal) =>
        _ = syscall(SyscallSignalThread, Environment.ProcessId, thread, signal);

    /// <returns>Null where the kernel refuses.</returns>
    public static nint? TryMap(long bytes, int flags, SafeFileHandle? file)
    {
        nint address = file is null
            ? mmap(0, (nuint)bytes, ProtectReadWrite, flags, -1, 0)
            : mmap(0, (nuint)bytes, ProtectReadWrite, flags, (int)file.DangerousGetHandle(), 0);
        return address == -1 ? null : address;
    }

    public static void Unmap(nint address, long bytes) => _ = munmap(address, (nuint)bytes);

#pragma warning disable SYSLIB1054 // LibraryImport needs unsafe code, which this project does without.
    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int ioctl(SafeFileHandle file, nuint request, nint argument);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int ioctl(SafeFileHandle file, nuint request, [In, Out] byte[] argument);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint mmap(nint address, nuint bytes, int protection, int flags, int file, nint offset);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int munmap(nint address, nuint bytes);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern long syscall(long number, nint first, nint second, nint third);
#pragma warning restore SYSLIB1054
}
