// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Decode;

namespace KvmActors.Host.Tests.Solo;

// JUSTIFICATION: a tier is told of blocks by their addresses.
// SAFETY: a block has as many micro-operations as instructions, one behind the other, from its first one on.

/// <summary>A tier that is wrong about one instruction: in each block, a constant counts for one more than it is.
/// </summary>
internal sealed unsafe class WrongTier(ulong constant) : IBlockTier
{
    public bool IsFull => false;

    public void OnAdded(Block* block)
    {
        for (Uop* uop = block->First; uop < block->First + block->Count; uop++)
        {
            uop->Immediate += uop->Immediate == constant ? 1u : 0u;
        }
    }

    public void OnOverwritten(Block* block)
    {
    }

    public void OnInvalidated(Block* block)
    {
    }

    public void OnDropped()
    {
    }

    public void Dispose()
    {
    }
}
