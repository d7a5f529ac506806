// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using Google.Protobuf;
using KvmActors.Host.Rpc.Multiplex;

namespace KvmActors.Host.Rpc;

/// <summary>What a server answers: handlers by path. Built once, then only read.</summary>
/// <remarks>A handler that throws <see cref="RpcException"/> ends the call with that status; any other exception is
/// logged and ends it with Internal, its text kept from the client. Its token ends with the client, the deadline and
/// the server.</remarks>
/// <param name="messageBytesMax">Largest message taken or sent.</param>
internal sealed class RpcService(int messageBytesMax)
{
    private readonly Dictionary<string, Handler> _handlers = new(StringComparer.Ordinal);

    /// <summary>From a request's body to the frames of the reply.</summary>
    /// <param name="peer">Null without TLS.</param>
    public delegate IAsyncEnumerable<ReadOnlyMemory<byte>> Handler(
        Stream body, RpcPeer? peer, CancellationToken cancellationToken);

    public IReadOnlyCollection<string> Paths => _handlers.Keys;

    /// <summary>Is told of each request, with who asks, before it is handled; of an upload, of its first
    /// message.</summary>
    public Action<RpcPeer?, string, object>? Observer { get; set; }

    public Handler? Find(string path) => _handlers.GetValueOrDefault(path);

    /// <summary>One request, one reply.</summary>
    public RpcService Add<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method, Func<TRequest, CancellationToken, ValueTask<TReply>> handler)
    {
        _handlers.Add(method.Path, (body, peer, token) => AnswerAsync(method, handler, body, peer, token));
        return this;
    }

    /// <summary>One request, one reply, by a handler that wants to know who asks.</summary>
    public RpcService Add<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method, Func<TRequest, RpcPeer?, CancellationToken, ValueTask<TReply>> handler)
    {
        _handlers.Add(method.Path, (body, peer, token) => AnswerAsync(
            method, (request, stop) => handler(request, peer, stop), body, peer, token));
        return this;
    }

    /// <summary>One request, one reply, where requests are large and many.</summary>
    /// <param name="handler">Does not keep the request: its buffer is used again.</param>
    public RpcService AddLent<TReply>(
        RpcMethod<ReadOnlyMemory<byte>, TReply> method,
        Func<ReadOnlyMemory<byte>, RpcPeer?, CancellationToken, ValueTask<TReply>> handler)
    {
        _handlers.Add(method.Path, (body, peer, token) => AnswerLentAsync(method, handler, body, peer, token));
        return this;
    }

    /// <summary>One request, any number of replies.</summary>
    public RpcService AddStream<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method, Func<TRequest, CancellationToken, IAsyncEnumerable<TReply>> handler)
    {
        _handlers.Add(method.Path, (body, peer, token) => StreamAsync(method, handler, body, peer, token));
        return this;
    }

    /// <summary>Any number of requests, one reply. A handler that ends before the last request ends the call.</summary>
    public RpcService AddUpload<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method,
        Func<IAsyncEnumerable<TRequest>, CancellationToken, ValueTask<TReply>> handler)
    {
        _handlers.Add(method.Path, (body, peer, token) => TakeAsync(method, handler, body, peer, token));
        return this;
    }

    /// <summary>Many calls over one stream, each answered as soon as it can be: see <see cref="MultiplexFrame"/>.
    /// </summary>
    /// <param name="onFault">Is shown what the handler threw that is no <see cref="RpcException"/>.</param>
    public RpcService AddMultiplexed(
        string path,
        Func<ReadOnlyMemory<byte>, RpcPeer?, CancellationToken, ValueTask<ReadOnlyMemory<byte>>> handler,
        Action<Exception> onFault)
    {
        _handlers.Add(path, (body, peer, token) => new MultiplexServer(messageBytesMax, Answer(peer), onFault)
            .ServeAsync(body, token));
        return this;

        Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask<ReadOnlyMemory<byte>>> Answer(RpcPeer? peer) =>
            (request, stop) =>
            {
                peer?.ThrowIfNoLongerGood();
                return handler(request, peer, stop);
            };
    }

    private async IAsyncEnumerable<ReadOnlyMemory<byte>> TakeAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method,
        Func<IAsyncEnumerable<TRequest>, CancellationToken, ValueTask<TReply>> handler,
        Stream body,
        RpcPeer? peer,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        TReply reply = await handler(ReadRequestsAsync(method, body, peer, cancellationToken), cancellationToken)
            .ConfigureAwait(false);
        yield return RpcFraming.Frame(method.Reply, reply, messageBytesMax);
    }

    private async IAsyncEnumerable<TRequest> ReadRequestsAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method,
        Stream body,
        RpcPeer? peer,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        bool isFirst = true;
        while (await RpcFraming.ReadAsync(body, messageBytesMax, cancellationToken).ConfigureAwait(false)
            is { } message)
        {
            TRequest request = Decode(method, message);
            if (isFirst)
            {
                Observer?.Invoke(peer, method.Path, request!);
            }

            isFirst = false;
            yield return request;
        }
    }

    private async IAsyncEnumerable<ReadOnlyMemory<byte>> AnswerAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method,
        Func<TRequest, CancellationToken, ValueTask<TReply>> handler,
        Stream body,
        RpcPeer? peer,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        TRequest request = await ReadRequestAsync(method, body, peer, cancellationToken).ConfigureAwait(false);
        TReply reply = await handler(request, cancellationToken).ConfigureAwait(false);
        yield return RpcFraming.Frame(method.Reply, reply, messageBytesMax);
    }

    private async IAsyncEnumerable<ReadOnlyMemory<byte>> AnswerLentAsync<TReply>(
        RpcMethod<ReadOnlyMemory<byte>, TReply> method,
        Func<ReadOnlyMemory<byte>, RpcPeer?, CancellationToken, ValueTask<TReply>> handler,
        Stream body,
        RpcPeer? peer,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using LentMessage request = await RpcFraming.ReadLentAsync(body, messageBytesMax, cancellationToken)
            .ConfigureAwait(false) ?? throw NoRequest(method.Path);
        await CheckEndAsync(method.Path, body, cancellationToken).ConfigureAwait(false);
        TReply reply = await handler(request.Bytes, peer, cancellationToken).ConfigureAwait(false);
        yield return RpcFraming.Frame(method.Reply, reply, messageBytesMax);
    }

    private async IAsyncEnumerable<ReadOnlyMemory<byte>> StreamAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method,
        Func<TRequest, CancellationToken, IAsyncEnumerable<TReply>> handler,
        Stream body,
        RpcPeer? peer,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        TRequest request = await ReadRequestAsync(method, body, peer, cancellationToken).ConfigureAwait(false);
        await foreach (TReply reply in handler(request, cancellationToken).ConfigureAwait(false))
        {
            yield return RpcFraming.Frame(method.Reply, reply, messageBytesMax);
        }
    }

    private async ValueTask<TRequest> ReadRequestAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method, Stream body, RpcPeer? peer, CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte> message = await RpcFraming.ReadAsync(body, messageBytesMax, cancellationToken)
            .ConfigureAwait(false) ?? throw NoRequest(method.Path);
        await CheckEndAsync(method.Path, body, cancellationToken).ConfigureAwait(false);
        TRequest request = Decode(method, message);
        Observer?.Invoke(peer, method.Path, request!);
        return request;
    }

    private async Task CheckEndAsync(string path, Stream body, CancellationToken cancellationToken)
    {
        if (await RpcFraming.ReadAsync(body, messageBytesMax, cancellationToken).ConfigureAwait(false) is not null)
        {
            throw new RpcException(RpcStatus.Internal, $"Expected one request for {path}, found two.");
        }
    }

    private static RpcException NoRequest(string path) =>
        new(RpcStatus.Internal, $"Expected one request for {path}, found none.");

    private static TRequest Decode<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method, ReadOnlyMemory<byte> message)
    {
        try
        {
            return method.Request.Decode(message);
        }
        catch (InvalidProtocolBufferException fault)
        {
            throw new RpcException(
                RpcStatus.Internal,
                $"Expected a Protobuf message for {method.Path}, found bytes that are none: {fault.Message}",
                inner: fault);
        }
    }
}
