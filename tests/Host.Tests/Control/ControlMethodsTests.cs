// SPDX-License-Identifier: Apache-2.0

using System.Net;
using Google.Protobuf.Reflection;
using KvmActors.Actors;
using KvmActors.Actors.Cluster;
using KvmActors.Host.Configuration;
using KvmActors.Host.Control;
using KvmActors.Host.Control.V1;
using KvmActors.Host.Hocon;
using KvmActors.Host.Rpc;
using KvmActors.Persistence.InMemory;

namespace KvmActors.Host.Tests.Control;

public sealed class ControlMethodsTests
{
    private static readonly ServiceDescriptor s_service = ControlReflection.Descriptor.Services.Single();

    [Fact]
    public void Every_method_of_the_service_is_known_and_handled()
    {
        HostOptions options = ConfigurationLoader.Bind(HoconDocument.Parse("test.conf", ""));
        RpcService handled = new ControlHandlers(
            () => null, new InMemoryStore(TimeProvider.System), options, TimeProvider.System, "1.2.3")
            .AddTo(new RpcService(1024));

        Assert.Equal(ControlMethods.Service, s_service.FullName);
        Assert.Equal(
            s_service.Methods.Select(method => $"/{s_service.FullName}/{method.Name}").Order(StringComparer.Ordinal),
            handled.Paths.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_node_that_has_not_joined_is_unavailable()
    {
        HostOptions options = ConfigurationLoader.Bind(HoconDocument.Parse("test.conf", ""));
        RpcService service = new ControlHandlers(
            () => null, new InMemoryStore(TimeProvider.System), options, TimeProvider.System, "1.2.3")
            .AddTo(new RpcService(1024));
        await using RpcListener listener = await RpcListener.StartAsync(
            new IPEndPoint(IPAddress.Loopback, 0),
            service,
            Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance,
            CancellationToken.None);
        using RpcChannel channel = new(listener.Address.ToString(), 1024);

        RpcException fault = await Assert.ThrowsAsync<RpcException>(() => channel.CallAsync(
            ControlMethods.Ping, new PingRequest(), timeout: null, CancellationToken.None));

        Assert.Equal(RpcStatus.Unavailable, fault.Status);
        Assert.Contains("found one that is starting", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_refusal_has_a_status_and_only_two_may_be_sent_again()
    {
        RefusalKind[] again = [RefusalKind.Unavailable, RefusalKind.Busy];
        foreach (RefusalKind kind in Enum.GetValues<RefusalKind>())
        {
            bool mayBeSentAgain = RefusalStatus.Of(kind) is RpcStatus.Unavailable or RpcStatus.ResourceExhausted;

            Assert.Equal(again.Contains(kind), mayBeSentAgain);
        }
    }

    [Fact]
    public void A_largest_image_fits_a_message_and_a_message_fits_the_client()
    {
        HostOptions options = ConfigurationLoader.Bind(HoconDocument.Parse("test.conf", ""));

        Assert.True(VmBlueprint.ImageBytesMax < options.Rpc.MessageBytesMax);
    }
}
