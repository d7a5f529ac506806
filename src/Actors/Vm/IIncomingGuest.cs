// SPDX-License-Identifier: Apache-2.0

using KvmActors.Machine;

namespace KvmActors.Actors.Vm;

/// <summary>A guest that arrives from another node: its memory first, while it runs there, its state at the
/// end.</summary>
/// <remarks>One thread at a time.</remarks>
public interface IIncomingGuest : IDisposable
{
    /// <summary>Page numbers are below it.</summary>
    int PageCount { get; }

    /// <summary>Takes a page; a later one of the same number replaces it.</summary>
    /// <exception cref="ArgumentException">No such page.</exception>
    void Put(CapturedPage page);

    /// <summary>Makes a page what another one is by now.</summary>
    /// <exception cref="ArgumentException">No such page.</exception>
    void PutSame(int pageNumber, int otherPage);

    /// <summary>Does now what the end would have to do with the pages that came.</summary>
    void Prepare();

    /// <summary>The guest, as <see cref="IGuestFactory.Restore"/> gives it; whoever asks owns it. Ends this.</summary>
    /// <exception cref="ArgumentException">The state does not fit.</exception>
    IGuest Complete(MachineState state);
}
