// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using System.Text;
using System.Threading.Channels;

namespace KvmActors.Host.Rpc.Multiplex;

/// <summary>Answers the calls of one multiplexed stream, each as soon as it can.</summary>
/// <param name="messageBytesMax">Largest message taken.</param>
/// <param name="handler">As <see cref="RpcService"/> has them. The bytes it gets are its own.</param>
/// <param name="onFault">Is shown what a handler threw that is no <see cref="RpcException"/>.</param>
internal sealed class MultiplexServer(
    int messageBytesMax,
    Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask<ReadOnlyMemory<byte>>> handler,
    Action<Exception> onFault)
{
    /// <summary>Calls of one stream that may be under way; the next is read once one of them is answered.</summary>
    public const int CallsMax = 4096;

    private readonly FrameOutbox _outbox = new();

    /// <summary>One item for each call under way; full at the bound.</summary>
    private readonly Channel<bool> _underWay = Channel.CreateBounded<bool>(CallsMax);

    /// <returns>What is to be written, many frames at once.</returns>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ServeAsync(
        Stream body, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Task reading = ReadAllAsync(body, cancellationToken);
        while (true)
        {
            ReadOnlyMemory<byte> frames = await _outbox.TakeAsync(cancellationToken).ConfigureAwait(false);
            if (frames.IsEmpty)
            {
                break;
            }

            yield return frames;
        }

        await reading.ConfigureAwait(false);
    }

    private async Task ReadAllAsync(Stream body, CancellationToken cancellationToken)
    {
        try
        {
            FrameReader reader = new(body, messageBytesMax);
            while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false) is { } call)
            {
                await _underWay.Writer.WriteAsync(true, cancellationToken).ConfigureAwait(false);
                _ = AnswerAsync(call, cancellationToken);
            }

            // The last answers are written before the stream ends.
            for (int taken = 0; taken < CallsMax; taken++)
            {
                await _underWay.Writer.WriteAsync(true, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            _outbox.Complete();
        }
    }

    /// <summary>Never throws: what fails is the answer.</summary>
    private async Task AnswerAsync(MultiplexFrame call, CancellationToken cancellationToken)
    {
        try
        {
            ReadOnlyMemory<byte> reply = await handler(call.Message, cancellationToken).ConfigureAwait(false);
            _outbox.Add(call.Call, RpcStatus.Ok, reply.Span);
        }
        catch (RpcException fault)
        {
            _outbox.Add(call.Call, fault.Status, Encoding.UTF8.GetBytes(fault.Message));
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The stream ends, and its calls with it.
        }
        catch (Exception fault)
        {
            onFault(fault);
            _outbox.Add(call.Call, RpcStatus.Internal, "The call failed inside the node; its log says why."u8);
        }
        finally
        {
            _underWay.Reader.TryRead(out _);
        }
    }
}
