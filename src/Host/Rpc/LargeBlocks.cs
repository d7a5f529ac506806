// SPDX-License-Identifier: Apache-2.0

using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace KvmActors.Host.Rpc;

/// <summary>Buffers of 64 KiB for what a listener reads and writes. Its own have 4 KiB, which makes one system call of
/// each page of a guest that comes.</summary>
/// <remarks>A connection has one only while bytes wait in it.</remarks>
internal sealed class LargeBlocks : MemoryPool<byte>, IMemoryPoolFactory<byte>
{
    private const int BlockBytes = 64 << 10;

    public override int MaxBufferSize => BlockBytes;

    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => this;

    /// <exception cref="ArgumentOutOfRangeException">More than <see cref="MaxBufferSize"/>.</exception>
    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, BlockBytes);
        return Shared.Rent(BlockBytes);
    }

    protected override void Dispose(bool disposing)
    {
        // The arrays are the process's.
    }
}
