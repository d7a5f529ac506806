// SPDX-License-Identifier: Apache-2.0

using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace KvmActors.Host.Rpc;

/// <summary>Kestrel with HTTP/2 and nothing else: plain on a loopback address, with mutual TLS on any.</summary>
internal sealed class RpcListener : IAsyncDisposable
{
    private const int WindowBytes = 4 * 1024 * 1024;

    private readonly WebApplication _application;

    private RpcListener(WebApplication application, IPEndPoint address)
    {
        _application = application;
        Address = address;
    }

    /// <summary>Where it listens, with the port that it really got.</summary>
    public IPEndPoint Address { get; }

    /// <summary>Plain HTTP/2, on loopback.</summary>
    /// <inheritdoc cref="StartAsync(RpcListenerOptions, RpcService, ILoggerFactory, CancellationToken)"/>
    public static Task<RpcListener> StartAsync(
        IPEndPoint address, RpcService service, ILoggerFactory logs, CancellationToken cancellationToken) =>
        StartAsync(RpcListenerOptions.Plain(address), service, logs, cancellationToken);

    /// <exception cref="CliFault">The address is not loopback and there is no TLS; or it is in use, or none of this
    /// machine.</exception>
    public static async Task<RpcListener> StartAsync(
        RpcListenerOptions options, RpcService service, ILoggerFactory logs, CancellationToken cancellationToken)
    {
        IPEndPoint address = options.Address;
        if (options.Tls is null && !IPAddress.IsLoopback(address.Address))
        {
            throw new CliFault(
                $"Expected a loopback address or mutual TLS for node.link, found {address} without TLS. Whoever "
                + "reaches a node controls its VMs: set kvmactors.tls.certificate, or use 127.0.0.1.");
        }

        ILogger log = logs.CreateLogger("KvmActors.Rpc");
        WebApplication application = Build(options, logs, log);
        RpcGate gate = new(options, log);
        service.Observer = gate.Note;
        RpcEndpoint endpoint = new(service, gate, log, TimeProvider.System);
        application.Run(endpoint.ServeAsync);
        try
        {
            await application.StartAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (IOException fault) when (fault.InnerException is AddressInUseException)
        {
            await application.DisposeAsync().ConfigureAwait(false);
            throw new CliFault(
                $"Expected {address} to be free for node.link, found it in use by another process. "
                + "Stop that one, or choose another port (0 takes a free one).",
                fault);
        }
        catch (System.Net.Sockets.SocketException fault)
        {
            await application.DisposeAsync().ConfigureAwait(false);
            throw new CliFault(
                $"Expected {address} to be an address of this machine for node.link, found: {fault.Message}. "
                + "ip addr shows those there are; 0.0.0.0 is all of them.",
                fault);
        }

        string bound = application.Services.GetRequiredService<IServer>()
            .Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        return new RpcListener(application, new IPEndPoint(address.Address, new Uri(bound).Port));
    }

    /// <summary>Lets calls under way end for as long as the token allows, then cuts them off.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => _application.StopAsync(cancellationToken);

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private static WebApplication Build(RpcListenerOptions own, ILoggerFactory logs, ILogger log)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(logs);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(options =>
        {
            options.AddServerHeader = false;
            options.Limits.MaxRequestBodySize = null;
            options.Limits.MinRequestBodyDataRate = null;
            options.Limits.MinResponseDataRate = null;
            options.Limits.MaxConcurrentConnections = own.ConnectionsMax;
            options.Limits.MaxRequestHeaderCount = RpcListenerOptions.HeadersMax;
            options.Limits.MaxRequestHeadersTotalSize = RpcListenerOptions.HeadersBytesMax;
            options.Limits.RequestHeadersTimeout = RpcListenerOptions.HeadersTimeout;
            options.Limits.KeepAliveTimeout = RpcListenerOptions.IdleTimeout;
            options.Limits.Http2.InitialConnectionWindowSize = WindowBytes;
            options.Limits.Http2.InitialStreamWindowSize = WindowBytes;
            options.Limits.Http2.MaxStreamsPerConnection = RpcListenerOptions.StreamsMax;
            options.Limits.Http2.MaxRequestHeaderFieldSize = RpcListenerOptions.HeaderFieldBytesMax;
            options.Listen(own.Address, listen =>
            {
                listen.Protocols = HttpProtocols.Http2;
                if (own.Tls is not null)
                {
                    new TlsGate(own, log).AddTo(listen);
                }
            });
        });

        // Behind Kestrel's own, which it replaces.
        builder.Services.AddSingleton<IMemoryPoolFactory<byte>, LargeBlocks>();
        return builder.Build();
    }
}
