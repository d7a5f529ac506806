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

/// <summary>Kestrel with HTTP/2 and nothing else, on a loopback address.</summary>
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

    /// <exception cref="CliFault">The address is not loopback, or is in use.</exception>
    public static async Task<RpcListener> StartAsync(
        IPEndPoint address, RpcService service, ILoggerFactory logs, CancellationToken cancellationToken)
    {
        if (!IPAddress.IsLoopback(address.Address))
        {
            throw new CliFault(
                $"Expected a loopback address for node.link, found {address}. Whoever reaches a node controls its VMs, "
                + "and there is no mutual TLS yet: use 127.0.0.1.");
        }

        WebApplication application = Build(address, logs);
        RpcEndpoint endpoint = new(service, logs.CreateLogger("KvmActors.Rpc"), TimeProvider.System);
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

        string bound = application.Services.GetRequiredService<IServer>()
            .Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        return new RpcListener(application, new IPEndPoint(address.Address, new Uri(bound).Port));
    }

    /// <summary>Lets calls under way end for as long as the token allows, then cuts them off.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => _application.StopAsync(cancellationToken);

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private static WebApplication Build(IPEndPoint address, ILoggerFactory logs)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(logs);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options =>
        {
            options.AddServerHeader = false;
            options.Limits.MaxRequestBodySize = null;
            options.Limits.MinRequestBodyDataRate = null;
            options.Limits.MinResponseDataRate = null;
            options.Limits.Http2.InitialConnectionWindowSize = WindowBytes;
            options.Limits.Http2.InitialStreamWindowSize = WindowBytes;
            options.Limits.Http2.MaxStreamsPerConnection = 1024;
            options.Listen(address, listen => listen.Protocols = HttpProtocols.Http2);
        });
        return builder.Build();
    }
}
