// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Control.V1;

namespace KvmActors.Host.Control;

/// <summary>A file that comes in messages, as a stream that can only be read. One message at a time.</summary>
internal sealed class VmFileUpload(RestoreVmChunk first, IAsyncEnumerator<RestoreVmChunk> source) : Stream
{
    private ReadOnlyMemory<byte> _left = first.Data.Memory;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_left.IsEmpty)
        {
            if (!await source.MoveNextAsync().ConfigureAwait(false))
            {
                return 0;
            }

            _left = source.Current.Data.Memory;
        }

        int taken = Math.Min(buffer.Length, _left.Length);
        _left[..taken].CopyTo(buffer);
        _left = _left[taken..];
        return taken;
    }

    public override Task<int> ReadAsync(
        byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
