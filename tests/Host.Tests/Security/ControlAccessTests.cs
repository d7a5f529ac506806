// SPDX-License-Identifier: Apache-2.0

using Google.Protobuf.Reflection;
using KvmActors.Host.Configuration;
using KvmActors.Host.Control;
using KvmActors.Host.Control.V1;
using KvmActors.Host.Hocon;
using KvmActors.Host.Node;
using KvmActors.Host.Rpc;
using KvmActors.Host.Security;
using KvmActors.Persistence.InMemory;

namespace KvmActors.Host.Tests.Security;

public sealed class ControlAccessTests
{
    private static readonly ServiceDescriptor s_service = ControlReflection.Descriptor.Services.Single();

    /// <summary>Who looks, changes nothing: a verb of this list in a method's name needs no more.</summary>
    private static readonly string[] s_looking =
        ["Ping", "ClusterStatus", "List", "Show", "Watch", "Console", "Check"];

    public static TheoryData<string> Methods => [.. s_service.Methods.Select(method => method.Name)];

    [Theory]
    [MemberData(nameof(Methods))]
    public void Every_method_says_who_may_call_it(string name)
    {
        RpcAccess? access = ControlAccess.Of($"/{s_service.FullName}/{name}");

        Assert.True(
            access is RpcAccess.Read or RpcAccess.Change,
            $"Expected a line for {name} in ControlAccess, found none. Put it under Read if it changes nothing and "
            + "tells no more than a viewer may know, else under Change.");
        bool looks = s_looking.Any(verb => name.StartsWith(verb, StringComparison.Ordinal));
        Assert.True(
            access == RpcAccess.Change || looks,
            $"Expected a method for viewers to be one that looks ({string.Join(", ", s_looking)}), found {name}.");
    }

    [Fact]
    public void Nothing_else_is_served_but_the_link_of_nodes()
    {
        HostOptions options = ConfigurationLoader.Bind(HoconDocument.Parse("test.conf", ""));
        RpcService service = new ControlHandlers(
            () => null, new InMemoryStore(TimeProvider.System), options, TimeProvider.System, "1.2.3")
            .AddTo(new RpcService(1024));

        Assert.All(service.Paths, path => Assert.NotNull(ControlAccess.Of(path)));
        Assert.Equal(RpcAccess.Link, ControlAccess.Of(NodeLink.Method.Path));
        Assert.Equal(RpcAccess.Link, ControlAccess.Of(NodeLink.StreamPath));
        Assert.Null(ControlAccess.Of("/kvmactors.control.v1.Control/Missing"));
    }

    [Theory]
    [InlineData(RpcAccess.Read, CertificateRole.Viewer, true)]
    [InlineData(RpcAccess.Read, CertificateRole.Operator, true)]
    [InlineData(RpcAccess.Read, CertificateRole.Node, false)]
    [InlineData(RpcAccess.Change, CertificateRole.Viewer, false)]
    [InlineData(RpcAccess.Change, CertificateRole.Operator, true)]
    [InlineData(RpcAccess.Change, CertificateRole.Node, false)]
    [InlineData(RpcAccess.Link, CertificateRole.Viewer, false)]
    [InlineData(RpcAccess.Link, CertificateRole.Operator, false)]
    [InlineData(RpcAccess.Link, CertificateRole.Node, true)]
    internal void A_role_does_what_it_is_for_and_no_more(RpcAccess access, CertificateRole role, bool allowed) =>
        Assert.Equal(allowed, access.Allows(role));
}
