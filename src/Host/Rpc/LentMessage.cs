// SPDX-License-Identifier: Apache-2.0

using System.Buffers;

namespace KvmActors.Host.Rpc;

/// <summary>A message in a buffer that is used again once this is disposed of.</summary>
internal sealed class LentMessage(byte[] buffer, int length) : IDisposable
{
    private byte[]? _buffer = buffer;

    public ReadOnlyMemory<byte> Bytes =>
        (_buffer ?? throw new ObjectDisposedException(nameof(LentMessage))).AsMemory(0, length);

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _buffer, null) is { } lent)
        {
            ArrayPool<byte>.Shared.Return(lent);
        }
    }
}
