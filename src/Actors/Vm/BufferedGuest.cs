// SPDX-License-Identifier: Apache-2.0

using KvmActors.Machine;

namespace KvmActors.Actors.Vm;

/// <summary>Keeps the pages, and restores the guest at the end.</summary>
internal sealed class BufferedGuest(IGuestFactory factory, MachineSpec spec) : IIncomingGuest
{
    private readonly SortedDictionary<int, ReadOnlyMemory<byte>> _pages = [];

    public int PageCount { get; } = (int)(spec.MemoryBytes / CapturedPage.SizeBytes);

    public void Put(CapturedPage page)
    {
        if (page.IsZero)
        {
            _pages.Remove(page.PageNumber);
        }
        else
        {
            _pages[page.PageNumber] = page.Bytes;
        }
    }

    public void PutSame(int pageNumber, int otherPage) =>
        Put(new CapturedPage(pageNumber, _pages.GetValueOrDefault(otherPage)));

    public void Prepare()
    {
    }

    public IGuest Complete(MachineState state)
    {
        IGuest guest = factory.Restore(spec, state, _pages.Select(page => (page.Key, page.Value)));
        _pages.Clear();
        return guest;
    }

    public void Dispose() => _pages.Clear();
}
