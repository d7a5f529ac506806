// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using KvmActors.Host.Rpc.Multiplex;
using KvmActors.Host.Security;

namespace KvmActors.Host.Rpc;

/// <summary>Calls methods of one server over a connection that is opened when needed and opened again when
/// lost.</summary>
/// <remarks>Any thread. A call is never repeated by itself: whether that is right, only the caller knows.</remarks>
internal sealed class RpcChannel : IDisposable
{
    private const int ResponseHeadersKilobytesMax = 32;

    private readonly HttpClient _http;
    private readonly Uri _address;
    private readonly int _messageBytesMax;

    /// <param name="address">HOST:PORT.</param>
    /// <param name="messageBytesMax">Largest message taken or sent.</param>
    /// <param name="tls">Null: plain HTTP/2.</param>
    public RpcChannel(string address, int messageBytesMax, TlsDialer? tls = null)
    {
        _address = new Uri($"{(tls is null ? "http" : "https")}://{address}");
        _messageBytesMax = messageBytesMax;
        _http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = tls is null
                ? null
                : (context, cancellationToken) => tls.DialAsync(context.DnsEndPoint, cancellationToken),
            MaxResponseHeadersLength = ResponseHeadersKilobytesMax,
            EnableMultipleHttp2Connections = true,
            InitialHttp2StreamWindowSize = 1024 * 1024,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            KeepAlivePingDelay = TimeSpan.FromSeconds(5),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(5),
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    public void Dispose() => _http.Dispose();

    /// <param name="timeout">Sent as the call's deadline and kept here too; null: none.</param>
    /// <exception cref="RpcException">Any end but Ok.</exception>
    public async Task<TReply> CallAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method,
        TRequest request,
        TimeSpan? timeout,
        CancellationToken cancellationToken)
    {
        using ReadOnlyMemoryContent content = new(RpcFraming.Frame(method.Request, request, _messageBytesMax));
        return await CallAsync(method, content, timeout, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A call whose request is sent from where it lies, and not used behind its end.</summary>
    /// <exception cref="RpcException">Any end but Ok.</exception>
    public async Task<TReply> CallAsync<TReply>(
        RpcMethod<ReadOnlyMemory<byte>, TReply> method,
        ReadOnlyMemory<byte> request,
        CancellationToken cancellationToken)
    {
        using RpcMessageContent content = new(
            request.Length <= _messageBytesMax ? request : throw RpcFraming.TooLarge(request.Length, _messageBytesMax));
        try
        {
            return await CallAsync(method, content, timeout: null, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await content.EndAsync().ConfigureAwait(false);
        }
    }

    /// <summary>A stream for many calls of one path.</summary>
    public MultiplexClient OpenMultiplexed(string path) =>
        new((content, stop) => OpenAsync(path, content, stop), _messageBytesMax);

    /// <returns>The reply's body, once. Its status is checked when the next is asked for.</returns>
    /// <exception cref="RpcException">Any end but Ok.</exception>
    private async IAsyncEnumerable<Stream> OpenAsync(
        string path, HttpContent content, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        HttpResponseMessage response;
        try
        {
            response = await SendAsync(path, content, timeout: null, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception fault) when (Translate(fault, path, CancellationToken.None) is { } translated)
        {
            throw translated;
        }

        using (response)
        {
            yield return await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            CheckStatus(response);
        }
    }

    /// <summary>Any number of requests, sent as they come; one reply.</summary>
    /// <remarks>A server that refuses early is heard before the last request is sent.</remarks>
    /// <exception cref="RpcException">Any end but Ok.</exception>
    public async Task<TReply> UploadAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method,
        IAsyncEnumerable<TRequest> requests,
        CancellationToken cancellationToken)
    {
        using RpcUploadContent content = new(
            requests.Select(request =>
                (ReadOnlyMemory<byte>)RpcFraming.Frame(method.Request, request, _messageBytesMax)));
        return await CallAsync(method, content, timeout: null, cancellationToken).ConfigureAwait(false);
    }

    private async Task<TReply> CallAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method,
        HttpContent content,
        TimeSpan? timeout,
        CancellationToken cancellationToken)
    {
        using CancellationTokenSource deadline = new(timeout ?? Timeout.InfiniteTimeSpan);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            using HttpResponseMessage response =
                await SendAsync(method.Path, content, timeout, stop.Token).ConfigureAwait(false);
            Stream body = await response.Content.ReadAsStreamAsync(stop.Token).ConfigureAwait(false);
            ReadOnlyMemory<byte>? message = await RpcFraming.ReadAsync(
                body, _messageBytesMax, stop.Token).ConfigureAwait(false);
            ReadOnlyMemory<byte>? second = message is null
                ? null
                : await RpcFraming.ReadAsync(body, _messageBytesMax, stop.Token).ConfigureAwait(false);
            CheckStatus(response);
            return message is not null && second is null
                ? method.Reply.Decode(message.Value)
                : throw new RpcException(
                    RpcStatus.Internal,
                    $"Expected one reply to {method.Path}, found {(second is null ? "none" : "two")}.");
        }
        catch (Exception fault) when (Translate(fault, method.Path, deadline.Token) is { } translated)
        {
            throw translated;
        }
    }

    /// <summary>Replies as they come. The call ends with the enumeration.</summary>
    /// <exception cref="RpcException">Any end but Ok, thrown behind the last reply.</exception>
    public async IAsyncEnumerable<TReply> StreamAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method,
        TRequest request,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using HttpResponseMessage response =
            await SendTranslatedAsync(method, request, cancellationToken).ConfigureAwait(false);
        Stream body = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        while (true)
        {
            ReadOnlyMemory<byte>? message;
            try
            {
                message = await RpcFraming.ReadAsync(body, _messageBytesMax, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception fault) when (Translate(fault, method.Path, CancellationToken.None) is { } translated)
            {
                throw translated;
            }

            if (message is null)
            {
                CheckStatus(response);
                yield break;
            }

            yield return method.Reply.Decode(message.Value);
        }
    }

    private async Task<HttpResponseMessage> SendTranslatedAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method, TRequest request, CancellationToken cancellationToken)
    {
        try
        {
            using ReadOnlyMemoryContent content = new(RpcFraming.Frame(method.Request, request, _messageBytesMax));
            return await SendAsync(method.Path, content, timeout: null, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception fault) when (Translate(fault, method.Path, CancellationToken.None) is { } translated)
        {
            throw translated;
        }
    }

    private async Task<HttpResponseMessage> SendAsync(
        string path, HttpContent content, TimeSpan? timeout, CancellationToken cancellationToken)
    {
        content.Headers.ContentType = new MediaTypeHeaderValue(RpcHeaders.ContentType);
        using HttpRequestMessage message = new(HttpMethod.Post, new Uri(_address, path))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        message.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        if (timeout is { } limit)
        {
            message.Headers.Add(RpcHeaders.Timeout, RpcHeaders.FormatTimeout(limit));
        }

        HttpResponseMessage response = await _http.SendAsync(
            message, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        try
        {
            CheckHeaders(response, path);
            return response;
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    private static void CheckHeaders(HttpResponseMessage response, string path)
    {
        if (response.StatusCode != HttpStatusCode.OK)
        {
            throw new RpcException(
                StatusOf(response.StatusCode),
                $"Expected HTTP status 200 for {path}, found {(int)response.StatusCode}. Is a node at that port?");
        }

        if (response.Headers.Contains(RpcHeaders.Status))
        {
            CheckStatus(response);
        }
    }

    /// <summary>Reads trailers, or headers where there is no body. To be called behind the last message.</summary>
    private static void CheckStatus(HttpResponseMessage response)
    {
        string? text = Find(response, RpcHeaders.Status);
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int status))
        {
            throw new RpcException(RpcStatus.Unknown, "Expected a grpc-status at the end of the call, found none.");
        }

        if (status != (int)RpcStatus.Ok)
        {
            string message = RpcHeaders.DecodeMessage(Find(response, RpcHeaders.Message) ?? "");
            throw new RpcException(
                status <= (int)RpcStatus.Unauthenticated ? (RpcStatus)status : RpcStatus.Unknown,
                message.Length > 0 ? message : $"The call ended with status {status} and no message.");
        }
    }

    private static string? Find(HttpResponseMessage response, string name) =>
        response.TrailingHeaders.TryGetValues(name, out IEnumerable<string>? values)
        || response.Headers.TryGetValues(name, out values)
            ? values.FirstOrDefault()
            : null;

    /// <returns>Null for what is no fault of the call, such as the caller's own cancellation.</returns>
    private RpcException? Translate(Exception fault, string path, CancellationToken deadline) => fault switch
    {
        OperationCanceledException when deadline.IsCancellationRequested => new RpcException(
            RpcStatus.DeadlineExceeded,
            $"Expected an answer to {path} in time, found none. Ask again, or wait longer."),
        HttpRequestException { InnerException: TlsRefusedException refused } => new RpcException(
            RpcStatus.Unauthenticated, refused.Message, wasSent: false, fault),
        HttpRequestException http when IsLikelyTls(http) => new RpcException(
            RpcStatus.Unavailable,
            $"Expected plain HTTP/2 at {_address.Authority}, found something that hung up on it. If that node has TLS, "
            + "give --cert (or KVMACTORS_CERT).",
            WasSent(http),
            fault),
        HttpRequestException http => new RpcException(
            RpcStatus.Unavailable,
            $"Expected a node at {_address.Authority}, found none that answers: {http.Message}",
            WasSent(http),
            http),
        IOException io => new RpcException(
            RpcStatus.Unavailable, $"The connection to {_address.Authority} was lost: {io.Message}", wasSent: true, io),
        _ => null,
    };

    private static bool WasSent(HttpRequestException fault) =>
        fault.HttpRequestError is not (HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError);

    private bool IsLikelyTls(HttpRequestException fault) => _address.Scheme == Uri.UriSchemeHttp
        && (IsReset(fault)
            || fault.HttpRequestError is HttpRequestError.ResponseEnded or HttpRequestError.HttpProtocolError
                or HttpRequestError.InvalidResponse);

    /// <summary>The other side had hung up before all was written.</summary>
    private static bool IsReset(HttpRequestException fault)
    {
        for (Exception? inner = fault.InnerException; inner is not null; inner = inner.InnerException)
        {
            if (inner is SocketException { SocketErrorCode: SocketError.ConnectionReset or SocketError.Shutdown })
            {
                return true;
            }
        }

        return false;
    }

    /// <remarks>Source: grpc/grpc, doc/http-grpc-status-mapping.md.</remarks>
    private static RpcStatus StatusOf(HttpStatusCode code) => (int)code switch
    {
        400 => RpcStatus.Internal,
        401 => RpcStatus.Unauthenticated,
        403 => RpcStatus.PermissionDenied,
        404 => RpcStatus.Unimplemented,
        429 or 502 or 503 or 504 => RpcStatus.Unavailable,
        _ => RpcStatus.Unknown,
    };
}
