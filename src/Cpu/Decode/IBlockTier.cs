// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Decode;

// JUSTIFICATION: see BlockCache.
// SAFETY: blocks are given out between their being added and their memory's being dropped.

/// <summary>What may run blocks in its own way: told of each, it may put a micro-operation of its own before it.
/// </summary>
/// <remarks>A tier sets <see cref="Block.Entry"/> to the micro-operation before <see cref="Block.First"/>, which is its
/// own; those from <see cref="Block.First"/> on stay what the decoder made them.</remarks>
internal unsafe interface IBlockTier : IDisposable
{
    /// <summary>True if there is no room for more: time to drop all blocks.</summary>
    bool IsFull { get; }

    /// <summary>A block can be found and entered from now on.</summary>
    void OnAdded(Block* block);

    /// <summary>Bytes of a valid block are about to change; <see cref="OnInvalidated"/> follows.</summary>
    void OnOverwritten(Block* block);

    /// <summary>A block is about to become invalid.</summary>
    void OnInvalidated(Block* block);

    /// <summary>All blocks are gone, and their memory is about to be used again.</summary>
    void OnDropped();
}
