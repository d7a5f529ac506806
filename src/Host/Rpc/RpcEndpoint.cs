// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Persistence;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace KvmActors.Host.Rpc;

/// <summary>Serves one HTTP request as a gRPC call.</summary>
/// <remarks>A call that fails before its first reply is answered with headers alone ("trailers-only"), as gRPC wants
/// it.</remarks>
internal sealed class RpcEndpoint(RpcService service, RpcGate gate, ILogger logger, TimeProvider clock)
{
    /// <summary>Longest deadline honoured: a longer one counts as none.</summary>
    private static readonly TimeSpan s_deadlineMax = TimeSpan.FromDays(30);

    /// <summary>So long after a failed read the client's going must be known.</summary>
    private static readonly TimeSpan s_goneMax = TimeSpan.FromMilliseconds(500);

    public async Task ServeAsync(HttpContext context)
    {
        if (!RpcHeaders.IsGrpc(context.Request.ContentType))
        {
            context.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            await context.Response.WriteAsync("Expected a gRPC call (content-type application/grpc).\n")
                .ConfigureAwait(false);
            return;
        }

        context.Response.ContentType = RpcHeaders.ContentType;
        using var deadline = new CancellationTokenSource(TimeoutOf(context), clock);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, deadline.Token);
        RpcException? fault = await RunAsync(context, stop.Token, deadline.Token).ConfigureAwait(false);
        if (context.RequestAborted.IsCancellationRequested)
        {
            return;
        }

        Finish(context.Response, fault);
    }

    /// <returns>Null where the call succeeded.</returns>
    private async Task<RpcException?> RunAsync(
        HttpContext context, CancellationToken stop, CancellationToken deadline)
    {
        string path = context.Request.Path.Value ?? "";
        try
        {
            RpcPeer? peer = gate.Authenticate(context);
            RpcService.Handler handler = service.Find(path)
                ?? throw new RpcException(RpcStatus.Unimplemented, $"Expected a method of this node, found {path}.");
            gate.Authorize(peer, path);
            await foreach (ReadOnlyMemory<byte> frame in handler(context.Request.Body, peer, stop)
                .ConfigureAwait(false))
            {
                await context.Response.Body.WriteAsync(frame, stop).ConfigureAwait(false);
                await context.Response.Body.FlushAsync(stop).ConfigureAwait(false);
            }

            return null;
        }
        catch (RpcException fault)
        {
            return fault;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return deadline.IsCancellationRequested
                ? new RpcException(RpcStatus.DeadlineExceeded, $"The call's deadline passed before {path} was done.")
                : new RpcException(RpcStatus.Cancelled, $"The call of {path} was cancelled.");
        }
        catch (StoreUnavailableException away)
        {
            // No fault of the node: it may reach the store in a moment, and another node may reach it now.
            return new RpcException(RpcStatus.Unavailable, $"{away.Message} Send it again in a moment.");
        }
        catch (Exception fault)
        {
            if (!await IsClientGoneAsync(context, fault).ConfigureAwait(false))
            {
                logger.CallFailed(path, fault);
            }

            return new RpcException(RpcStatus.Internal, $"{path} failed inside the node; its log says why.");
        }
    }

    /// <summary>Whether a call failed because its client went away. A read may hear of that a moment before the request
    /// does.</summary>
    private async Task<bool> IsClientGoneAsync(HttpContext context, Exception fault)
    {
        if (fault is IOException && !context.RequestAborted.IsCancellationRequested)
        {
            await Task.Delay(s_goneMax, clock, context.RequestAborted)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return context.RequestAborted.IsCancellationRequested;
    }

    private static void Finish(HttpResponse response, RpcException? fault)
    {
        string status = ((int)(fault?.Status ?? RpcStatus.Ok)).ToString(CultureInfo.InvariantCulture);
        if (response.HasStarted)
        {
            response.AppendTrailer(RpcHeaders.Status, status);
            if (fault is not null)
            {
                response.AppendTrailer(RpcHeaders.Message, RpcHeaders.EncodeMessage(fault.Message));
            }

            return;
        }

        response.Headers[RpcHeaders.Status] = status;
        if (fault is not null)
        {
            response.Headers[RpcHeaders.Message] = RpcHeaders.EncodeMessage(fault.Message);
        }
    }

    private static TimeSpan TimeoutOf(HttpContext context) =>
        context.Request.Headers.TryGetValue(RpcHeaders.Timeout, out Microsoft.Extensions.Primitives.StringValues text)
        && RpcHeaders.TryParseTimeout(text.ToString(), out TimeSpan timeout)
        && timeout <= s_deadlineMax
            ? timeout
            : Timeout.InfiniteTimeSpan;
}
