// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.CompilerServices;
using KvmActors.Machine;
using KvmActors.Persistence.Snapshots;
using KvmActors.Persistence.Wire;
using static KvmActors.Persistence.Files.SavedVmLayout;

namespace KvmActors.Persistence.Files;

/// <summary>Reads a saved VM's file from first byte to last, and checks all of it on the way. Holds one section at a
/// time, and the numbers of the pages that hold a content.</summary>
/// <remarks>Nothing may be believed of a file before <see cref="ReadPagesAsync"/> came to its end: only there is the
/// checksum over the whole.</remarks>
public sealed class SavedVmReader : IDisposable
{
    private readonly SectionReader _sections;
    private readonly HashSet<int> _contents = [];
    private int _pages;
    private int _lastPage = -1;

    private SavedVmReader(SectionReader sections, SavedVm saved)
    {
        _sections = sections;
        Saved = saved;
    }

    public SavedVm Saved { get; }

    /// <summary>Bytes read so far.</summary>
    public long BytesRead => _sections.Offset;

    /// <summary>SHA-256 over the file up to its section END: what END holds. Null before the pages were read.</summary>
    public Digest? Checksum { get; private set; }

    /// <summary>Reads all but the pages.</summary>
    /// <param name="source">Stays the caller's.</param>
    /// <exception cref="SavedVmException">No saved VM, or a damaged one.</exception>
    public static async Task<SavedVmReader> OpenAsync(Stream source, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(source);
        SectionReader sections = new(source);
        try
        {
            await sections.ReadHeaderAsync(cancellationToken).ConfigureAwait(false);
            Section section = await sections.ReadAsync([Spec], cancellationToken).ConfigureAwait(false);
            WireSavedVm spec = section.Understand(payload => SavedVmSpec.Parse(payload.Span));
            section = await sections.ReadAsync([State], cancellationToken).ConfigureAwait(false);
            MachineState machine = section.Understand(SnapshotCodec.Decode);
            section = await sections.ReadAsync([SavedVmLayout.Console], cancellationToken).ConfigureAwait(false);
            SavedVm saved = section.Understand(console => SavedVmSpec.Join(spec, machine, console));
            return new SavedVmReader(sections, saved);
        }
        catch
        {
            sections.Dispose();
            throw;
        }
    }

    /// <summary>The pages by ascending number, in pieces of at most <see cref="SavedVmWriter.PagesMax"/>; then the end
    /// of the file is checked. Once.</summary>
    /// <exception cref="SavedVmException">The file is damaged; what was read before it is of no use.</exception>
    public async IAsyncEnumerable<ImmutableArray<SavedPage>> ReadPagesAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            Digest before = _sections.HashSoFar();
            long offset = _sections.Offset;
            Section section = await _sections.ReadAsync([SavedVmLayout.Pages, End], cancellationToken)
                .ConfigureAwait(false);
            if (section.Tag == End)
            {
                SectionEnd end = new(offset, section.Number, _pages, _contents.Count, before);
                section.Understand(payload => end.Check(payload, Saved.PageCount));
                await _sections.ExpectEndAsync(cancellationToken).ConfigureAwait(false);
                Checksum = before;
                yield break;
            }

            yield return section.Understand(TakePages);
        }
    }

    public void Dispose() => _sections.Dispose();

    private ImmutableArray<SavedPage> TakePages(ReadOnlyMemory<byte> payload)
    {
        ulong pagesMax = Saved.Created.Spec.MemoryBytes / Persistence.Pages.PageRules.PageBytes;
        ImmutableArray<SavedPage>.Builder pages = ImmutableArray.CreateBuilder<SavedPage>();
        int at = 0;
        while (at < payload.Length)
        {
            SavedPage page = PageEntry.Read(payload, ref at, _contents.Contains);
            if (page.PageNumber <= _lastPage || (ulong)page.PageNumber >= pagesMax)
            {
                throw new WireFault(string.Create(
                    CultureInfo.InvariantCulture,
                    $"Expected a page number from {_lastPage + 1} to {pagesMax - 1}, found {page.PageNumber}."));
            }

            if (page.SameAs is null)
            {
                _contents.Add(page.PageNumber);
            }

            _lastPage = page.PageNumber;
            pages.Add(page);
        }

        _pages += pages.Count;
        return pages.Count is > 0 and <= PagesPerSection
            ? pages.DrainToImmutable()
            : throw new WireFault($"Expected 1 to {PagesPerSection} pages in a section, found {pages.Count}.");
    }
}
