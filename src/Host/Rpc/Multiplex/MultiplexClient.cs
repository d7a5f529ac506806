// SPDX-License-Identifier: Apache-2.0

using System.Collections.Concurrent;
using System.Text;

namespace KvmActors.Host.Rpc.Multiplex;

/// <summary>Many small calls of one method over one stream, which is opened at the first one. It lives as long as the
/// stream: once <see cref="IsOver"/>, another one is needed.</summary>
/// <remarks>Any thread. A call that is cancelled is no longer waited for; the server may still carry it out.</remarks>
internal sealed class MultiplexClient : IDisposable
{
    private readonly ConcurrentDictionary<ulong, TaskCompletionSource<ReadOnlyMemory<byte>>> _waiting = new();
    private readonly FrameOutbox _outbox = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;
    private long _calls;
    private volatile RpcException? _end;

    /// <param name="open">Sends the content as the body of one call, and gives the reply's body.</param>
    /// <param name="messageBytesMax">Largest message taken.</param>
    public MultiplexClient(Func<HttpContent, CancellationToken, IAsyncEnumerable<Stream>> open, int messageBytesMax) =>
        _running = RunAsync(open, messageBytesMax);

    /// <summary>How the stream ended; null while it has not.</summary>
    public RpcException? End => _end;

    public bool IsOver => _end is not null;

    /// <exception cref="RpcException">Refused, or the stream ended before the answer.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> CallAsync(
        ReadOnlyMemory<byte> request, CancellationToken cancellationToken)
    {
        ulong call = (ulong)Interlocked.Increment(ref _calls);
        TaskCompletionSource<ReadOnlyMemory<byte>> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting[call] = answer;
        try
        {
            if (_end is { } end)
            {
                throw new RpcException(end.Status, end.Message, wasSent: false, end);
            }

            _outbox.Add(call, RpcStatus.Ok, request.Span);
            return await answer.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _waiting.TryRemove(call, out _);
        }
    }

    public void Dispose()
    {
        _stop.Cancel();
        _outbox.Complete();
    }

    private async Task RunAsync(
        Func<HttpContent, CancellationToken, IAsyncEnumerable<Stream>> open, int messageBytesMax)
    {
        RpcException end = new(RpcStatus.Unavailable, "The stream of calls ended.");
        try
        {
            using OutboxContent content = new(_outbox);
            await foreach (Stream body in open(content, _stop.Token).ConfigureAwait(false))
            {
                FrameReader reader = new(body, messageBytesMax);
                while (await reader.ReadAsync(_stop.Token).ConfigureAwait(false) is { } reply)
                {
                    Answer(reply);
                }
            }
        }
        catch (RpcException fault)
        {
            end = fault;
        }
        catch (Exception fault) when (fault is IOException or OperationCanceledException or HttpRequestException)
        {
            end = new RpcException(
                RpcStatus.Unavailable, $"The stream of calls was lost: {fault.Message}", inner: fault);
        }
        finally
        {
            Finish(end);
        }
    }

    private void Answer(MultiplexFrame reply)
    {
        if (!_waiting.TryGetValue(reply.Call, out TaskCompletionSource<ReadOnlyMemory<byte>>? waiting))
        {
            // Its caller waits no longer.
            return;
        }

        if (reply.Status == RpcStatus.Ok)
        {
            waiting.TrySetResult(reply.Message);
        }
        else
        {
            waiting.TrySetException(new RpcException(reply.Status, Encoding.UTF8.GetString(reply.Message.Span)));
        }
    }

    private void Finish(RpcException end)
    {
        _end = end;
        _outbox.Complete();
        foreach (TaskCompletionSource<ReadOnlyMemory<byte>> waiting in _waiting.Values)
        {
            waiting.TrySetException(end);
        }
    }

    /// <summary>Writes what the outbox has, for as long as the stream lives.</summary>
    private sealed class OutboxContent(FrameOutbox outbox) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(
            Stream stream, System.Net.TransportContext? context, CancellationToken cancellationToken)
        {
            // Headers go at once: a server that refuses says so before the first call.
            await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
            while (true)
            {
                ReadOnlyMemory<byte> frames = await outbox.TakeAsync(cancellationToken).ConfigureAwait(false);
                if (frames.IsEmpty)
                {
                    return;
                }

                await stream.WriteAsync(frames, cancellationToken).ConfigureAwait(false);
                await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
