// SPDX-License-Identifier: Apache-2.0

using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace KvmActors.Cpu.Translate;

// JUSTIFICATION: .NET has no memory that can be executed. Two views of one piece, so that no address is ever writable
// and executable.
// SAFETY: both views are mapped by the constructor and unmapped once, by Release; the host code in them is entered only
// by whoever owns this object, which lives longer than any run.

/// <summary>Memory for host code: one piece, seen once writable and once executable.</summary>
/// <remarks>Code is written by the thread that runs it, by another linear address. The manual asks for a serializing
/// instruction between (SDM vol. 3A, section 10.1.3); processors that run 64-bit code watch physical addresses, and the
/// way into host code has an indirect jump, so none is executed here, as in other translators.</remarks>
internal sealed unsafe partial class CodeMemory : IDisposable
{
    private const uint CloseOnExec = 1;
    private const int ProtectRead = 1;
    private const int ProtectWrite = 2;
    private const int ProtectExecute = 4;
    private const int MapShared = 1;
    private const int MapPrivate = 2;
    private const int MapFixed = 0x10;
    private const int MapAnonymous = 0x20;
    private const uint CpuidExtendedFeatures = 0x8000_0001;
    private const int LahfIn64BitMode = 1;

    private static readonly Lazy<string?> s_refusal = new(Probe);

    private byte* _writable;
    private byte* _executable;

    private CodeMemory(byte* writable, byte* executable, int sizeBytes, int dataBytes)
    {
        _writable = writable;
        _executable = executable;
        SizeBytes = sizeBytes;
        DataBytes = dataBytes;
    }

    ~CodeMemory() => Release();

    /// <summary>Why this process cannot run host code of its own making, in words, or null if it can. Found out once.
    /// </summary>
    public static string? Refusal => s_refusal.Value;

    public int SizeBytes { get; }

    /// <summary>First byte of the view that is written through.</summary>
    public byte* Writable => _writable;

    /// <summary>First byte of what host code may write, within reach of it and on pages of its own.</summary>
    public byte* Data => _executable + SizeBytes;

    public int DataBytes { get; }

    /// <summary>Address in the executable view minus address in the writable one.</summary>
    public nint ToExecutable => (nint)(_executable - _writable);

    /// <summary>Zeroed memory, or null where the system refuses it; pages cost nothing before they are used.</summary>
    /// <param name="sizeBytes">For code: whole pages.</param>
    /// <param name="dataBytes">For data: whole pages.</param>
    public static CodeMemory? TryCreate(int sizeBytes, int dataBytes)
    {
        int file = CreateMemoryFile("kvmactors-code", CloseOnExec);
        if (file < 0)
        {
            return null;
        }

        try
        {
            if (SetLength(file, sizeBytes) != 0)
            {
                return null;
            }

            // Both at once, of which the code's part is then replaced by the file.
            const int Private = MapPrivate | MapAnonymous;
            byte* executable = Map(null, sizeBytes + dataBytes, ProtectRead | ProtectWrite, Private, -1);
            byte* writable = Map(null, sizeBytes, ProtectRead | ProtectWrite, MapShared, file);
            if (writable != null && executable != null
                && Map(executable, sizeBytes, ProtectRead | ProtectExecute, MapShared | MapFixed, file) != null)
            {
                return new CodeMemory(writable, executable, sizeBytes, dataBytes);
            }

            Unmap(writable, sizeBytes);
            Unmap(executable, sizeBytes + dataBytes);
            return null;
        }
        finally
        {
            _ = CloseFile(file);
        }
    }

    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    private static string? Probe()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
        {
            return "the host is not Linux on x86-64";
        }

        if ((X86Base.CpuId(unchecked((int)CpuidExtendedFeatures), 0).Ecx & LahfIn64BitMode) == 0)
        {
            return "the host has no LAHF in 64-bit mode";
        }

        using CodeMemory? memory = TryCreate(Environment.SystemPageSize, Environment.SystemPageSize);
        if (memory is null)
        {
            return "the system refuses executable memory";
        }

        const byte Return = 0xC3;
        *memory.Writable = Return;
        ((delegate* unmanaged<void>)(memory.Writable + memory.ToExecutable))();
        return null;
    }

    private static byte* Map(byte* address, int sizeBytes, int protection, int flags, int file)
    {
        void* start = MapMemory(address, (nuint)sizeBytes, protection, flags, file, 0);
        return (nint)start == -1 ? null : (byte*)start;
    }

    private static void Unmap(byte* start, int sizeBytes)
    {
        if (start != null)
        {
            _ = UnmapMemory(start, (nuint)sizeBytes);
        }
    }

    private void Release()
    {
        Unmap(_writable, SizeBytes);
        Unmap(_executable, SizeBytes + DataBytes);
        _writable = null;
        _executable = null;
    }

    [LibraryImport("libc", EntryPoint = "memfd_create", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int CreateMemoryFile(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "ftruncate")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetLength(int file, nint length);

    [LibraryImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int CloseFile(int file);

    [LibraryImport("libc", EntryPoint = "mmap")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial void* MapMemory(
        void* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int UnmapMemory(void* address, nuint length);
}
