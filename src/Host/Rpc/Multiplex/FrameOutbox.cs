// SPDX-License-Identifier: Apache-2.0

using System.Buffers;
using System.Threading.Channels;

namespace KvmActors.Host.Rpc.Multiplex;

/// <summary>Frames on their way out: any thread adds, one takes all that has come together since it took last. So a
/// busy stream writes many frames at once, and a quiet one each without a wait.</summary>
internal sealed class FrameOutbox
{
    /// <summary>A buffer that grew larger is not kept.</summary>
    private const int KeptBytesMax = 1 << 20;

    private readonly Lock _gate = new();
    private readonly Channel<bool> _filled = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    private ArrayBufferWriter<byte> _filling = new();
    private ArrayBufferWriter<byte> _taken = new();

    public void Add(ulong call, RpcStatus status, ReadOnlySpan<byte> message)
    {
        bool wasEmpty;
        lock (_gate)
        {
            wasEmpty = _filling.WrittenCount == 0;
            MultiplexFrame.Write(_filling, call, status, message);
        }

        if (wasEmpty)
        {
            _filled.Writer.TryWrite(true);
        }
    }

    /// <summary>No more is added.</summary>
    public void Complete() => _filled.Writer.TryComplete();

    /// <returns>All that waits, at least one frame, to be used before the next call; nothing at the end.</returns>
    public async ValueTask<ReadOnlyMemory<byte>> TakeAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            lock (_gate)
            {
                if (_filling.WrittenCount > 0)
                {
                    ArrayBufferWriter<byte> full = _filling;
                    _filling = _taken.Capacity > KeptBytesMax ? new ArrayBufferWriter<byte>() : _taken;
                    _filling.ResetWrittenCount();
                    _taken = full;
                    return full.WrittenMemory;
                }
            }

            if (!await _filled.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
            {
                return default;
            }

            _filled.Reader.TryRead(out _);
        }
    }
}
