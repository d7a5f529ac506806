// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace KvmActors.Cpu.Memory;

// JUSTIFICATION: RAM outside of the GC heap costs no pinning and no card marking, and a guest store is one machine
// store; the threaded interpreter and a later translator both need its address to stay put.
// SAFETY: every public method checks its range against SizeBytes first; page numbers are checked by CheckPage; the
// block is freed once, by Dispose, and no span outlives the VM that owns this object.

/// <summary>The guest's RAM, from GPA 0, with a dirty log for several readers. As in a PC there is none from
/// <see cref="LowEndMax"/> to <see cref="HighStart"/>: what is above 3 GiB follows at 4 GiB.</summary>
/// <remarks>Not safe for several threads: it belongs to the VM whose turn it is. All writes that are not a vCPU's own
/// go through <see cref="Write"/>, which keeps the dirty log and the decoded code right.</remarks>
public sealed unsafe class GuestMemory : IDisposable
{
    public const int PageBytes = 4096;

    /// <summary>Bound on the size of a VM's RAM: page numbers stay well inside an int.</summary>
    public const ulong SizeBytesMax = 1ul << 40;

    /// <summary>GPA at which RAM below the devices of a PC ends at the latest.</summary>
    public const ulong LowEndMax = 3ul << 30;

    /// <summary>GPA at which RAM goes on behind those devices.</summary>
    public const ulong HighStart = 4ul << 30;

    /// <summary>Bit 0 of an entry of a page table: there is a translation.</summary>
    private const int Present = 1;

    private readonly List<IMemoryObserver> _observers = [];
    private void* _allocation;
    private byte* _ram;
    private byte* _flags;

    /// <summary>Zeroed memory. No page is dirty for any reader.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The size is 0, above <see cref="SizeBytesMax"/>, or not a
    /// multiple of <see cref="PageBytes"/>.</exception>
    public GuestMemory(ulong sizeBytes)
    {
        if (sizeBytes == 0 || sizeBytes > SizeBytesMax || sizeBytes % PageBytes != 0)
        {
            throw new ArgumentOutOfRangeException(
                nameof(sizeBytes),
                sizeBytes,
                $"Guest memory must be a multiple of {PageBytes} bytes, more than 0 and at most {SizeBytesMax}.");
        }

        SizeBytes = sizeBytes;
        LowEnd = Math.Min(sizeBytes, LowEndMax);
        End = sizeBytes > LowEndMax ? sizeBytes - LowEndMax + HighStart : sizeBytes;
        PageCount = (int)(End / PageBytes);

        // Zeroed by the allocator, so that pages the guest never touches, and those that are no RAM, cost nothing;
        // aligned by hand.
        nuint alignment = HostPages.AlignmentFor(End);
        _allocation = NativeMemory.AllocZeroed((nuint)End + alignment);
        _ram = (byte*)(((nuint)_allocation + alignment - 1) & ~(alignment - 1));
        HostPages.Advise(_ram, End);
        _flags = (byte*)NativeMemory.AllocZeroed((nuint)PageCount);
    }

    ~GuestMemory() => Release();

    /// <summary>Bytes of RAM.</summary>
    public ulong SizeBytes { get; }

    /// <summary>GPA at which RAM ends below 4 GiB.</summary>
    public ulong LowEnd { get; }

    /// <summary>GPA at which RAM ends.</summary>
    public ulong End { get; }

    /// <summary>Page numbers go from 0 to below this; those that are no RAM are zero for ever.</summary>
    public int PageCount { get; }

    /// <summary>The flags of a page that nobody has written.</summary>
    private static ReadOnlySpan<byte> CleanFlags => [0, PageFlags.Code, PageFlags.Table, PageFlags.Watched];

    /// <summary>First byte of RAM, for the engine.</summary>
    internal byte* Ram => _ram;

    /// <summary>One byte of <see cref="PageFlags"/> a page, for the engine.</summary>
    internal byte* Flags => _flags;

    /// <summary>Whether a range is wholly inside RAM.</summary>
    public bool IsRam(Gpa start, ulong lengthBytes) =>
        IsWithin(start.Value, lengthBytes, LowEnd)
        || (start.Value >= HighStart && IsWithin(start.Value, lengthBytes, End));

    /// <summary>Bytes of RAM from an address on, in one piece; 0 where it is no RAM.</summary>
    public ulong RamFrom(Gpa start) =>
        start.Value < LowEnd ? LowEnd - start.Value
        : start.Value >= HighStart && start.Value < End ? End - start.Value
        : 0;

    /// <exception cref="ArgumentOutOfRangeException">The range is not wholly inside RAM.</exception>
    public void Read(Gpa start, Span<byte> destination)
    {
        CheckRange(start, destination.Length);
        new ReadOnlySpan<byte>(_ram + start.Value, destination.Length).CopyTo(destination);
    }

    /// <summary>The one way in for a write that is not a vCPU's own: device, loader, hypercall patch, migration. Marks
    /// the pages dirty for every reader and drops code decoded from the bytes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is not wholly inside RAM.</exception>
    public void Write(Gpa start, ReadOnlySpan<byte> bytes)
    {
        CheckRange(start, bytes.Length);
        ulong address = start.Value;
        while (!bytes.IsEmpty)
        {
            int page = (int)(address / PageBytes);
            int offset = (int)(address % PageBytes);
            int length = Math.Min(bytes.Length, PageBytes - offset);
            BeforeWrite(page, offset, length);
            bytes[..length].CopyTo(new Span<byte>(_ram + address, length));
            bytes = bytes[length..];
            address += (ulong)length;
        }
    }

    /// <summary>The bytes of a page, as they are now; valid until this object is disposed.</summary>
    /// <exception cref="ArgumentOutOfRangeException">No such page.</exception>
    public ReadOnlySpan<byte> Page(int pageNumber)
    {
        CheckPage(pageNumber);
        return new ReadOnlySpan<byte>(_ram + ((ulong)pageNumber * PageBytes), PageBytes);
    }

    /// <exception cref="ArgumentOutOfRangeException">No such page.</exception>
    public bool IsZero(int pageNumber)
    {
        ReadOnlySpan<byte> page = Page(pageNumber);
        return RamFrom(new Gpa((ulong)pageNumber * PageBytes)) == 0 || !page.ContainsAnyExcept((byte)0);
    }

    /// <summary>The pages written since this reader took the log last (at first: since creation), ascending; they are
    /// clean for this reader afterwards.</summary>
    public ImmutableArray<int> TakeDirty(DirtyReader reader)
    {
        byte bit = PageFlags.Dirty(reader);
        ImmutableArray<int>.Builder taken = ImmutableArray.CreateBuilder<int>();
        Span<byte> flags = new(_flags, PageCount);
        for (int page = 0; page < flags.Length; page++)
        {
            int clean = flags[page..].IndexOfAnyExcept(CleanFlags);
            if (clean < 0)
            {
                break;
            }

            page += clean;
            if ((flags[page] & bit) != 0)
            {
                flags[page] &= (byte)~bit;
                taken.Add(page);
            }
        }

        foreach (IMemoryObserver observer in _observers)
        {
            observer.DropWriteTranslations();
        }

        return taken.DrainToImmutable();
    }

    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    internal void Attach(IMemoryObserver observer) => _observers.Add(observer);

    internal void Detach(IMemoryObserver observer) => _observers.Remove(observer);

    /// <summary>To be called before bytes inside one page change, by whoever changes them.</summary>
    internal void BeforeWrite(int pageNumber, int offsetInPage, int length)
    {
        byte* flags = _flags + pageNumber;
        *flags |= PageFlags.AllDirty;
        if ((*flags & PageFlags.Code) != 0)
        {
            CodeWritten(pageNumber, offsetInPage, length);
        }

        if ((*flags & PageFlags.Table) != 0)
        {
            TableWritten(pageNumber, offsetInPage, length);
        }
    }

    /// <summary>As <see cref="BeforeWrite"/>, for accessed and dirty bits of a page table's entry.</summary>
    internal void BeforeEntryBits(int pageNumber, int offsetInPage)
    {
        byte* flags = _flags + pageNumber;
        *flags |= PageFlags.AllDirty;
        if ((*flags & PageFlags.Code) != 0)
        {
            CodeWritten(pageNumber, offsetInPage, sizeof(uint));
        }
    }

    /// <summary>Marks a page as one that blocks were decoded from.</summary>
    internal void MarkCode(int pageNumber) => Mark(pageNumber, PageFlags.Code);

    /// <summary>Marks a page as one that translations were read from.</summary>
    internal void MarkTable(int pageNumber) => Mark(pageNumber, PageFlags.Table);

    private void Mark(int pageNumber, byte flag)
    {
        byte before = _flags[pageNumber];
        _flags[pageNumber] |= flag;
        if ((before & PageFlags.Watched) != 0)
        {
            return;
        }

        foreach (IMemoryObserver observer in _observers)
        {
            observer.DropWriteTranslations(pageNumber);
        }
    }

    /// <summary>Entries that are not present are in no TLB. If another changes, all translations go, and then none
    /// depends on this page any more.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void TableWritten(int pageNumber, int offsetInPage, int length)
    {
        byte* page = _ram + ((ulong)pageNumber * PageBytes);
        int present = 0;
        for (int offset = offsetInPage & ~(sizeof(uint) - 1); offset < offsetInPage + length; offset += sizeof(uint))
        {
            present |= page[offset] & Present;
        }

        if (present == 0)
        {
            return;
        }

        foreach (IMemoryObserver observer in _observers)
        {
            observer.DropTranslations();
        }

        _flags[pageNumber] &= unchecked((byte)~PageFlags.Table);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void CodeWritten(int pageNumber, int offsetInPage, int length)
    {
        bool codeRemains = false;
        foreach (IMemoryObserver observer in _observers)
        {
            codeRemains |= observer.CodeWritten(pageNumber, offsetInPage, length);
        }

        if (!codeRemains)
        {
            _flags[pageNumber] &= unchecked((byte)~PageFlags.Code);
        }
    }

    private void CheckRange(Gpa start, int length)
    {
        ObjectDisposedException.ThrowIf(_ram == null, this);
        if (!IsRam(start, (ulong)length))
        {
            throw new ArgumentOutOfRangeException(
                nameof(start),
                start,
                $"{length} bytes from {start} are not inside the {SizeBytes} bytes of guest memory.");
        }
    }

    private static bool IsWithin(ulong start, ulong lengthBytes, ulong end) =>
        start <= end && lengthBytes <= end - start;

    private void CheckPage(int pageNumber)
    {
        ObjectDisposedException.ThrowIf(_ram == null, this);
        if ((uint)pageNumber >= (uint)PageCount)
        {
            throw new ArgumentOutOfRangeException(
                nameof(pageNumber), pageNumber, $"Guest memory has pages 0 to {PageCount - 1}.");
        }
    }

    private void Release()
    {
        NativeMemory.Free(_allocation);
        NativeMemory.Free(_flags);
        _allocation = null;
        _ram = null;
        _flags = null;
    }
}
