// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Text.Json;
using KvmActors.Host.Demo;
using KvmActors.Host.Tests.Cli;
using KvmActors.Host.Tests.Node;
using KvmActors.Host.Tests.Solo;
using KvmActors.Samples.Guests;

namespace KvmActors.Host.Tests.Security;

/// <summary>Node processes that know each other by certificates, on an address that is not loopback where this machine
/// has one.</summary>
[SupportedOSPlatform("linux")]
public sealed class TlsClusterTests : IAsyncLifetime, IDisposable
{
    private const UnixFileMode OwnerAlone = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static readonly IPAddress s_own = OwnAddress();

    private readonly GuestFiles _files = new();
    private readonly List<NodeProcess> _nodes = [];

    private string Folder => _files.Path("pki");

    public async Task InitializeAsync()
    {
        await CertAsync(Folder, "ca");
        await CertAsync(Folder, "operator", "alice");
        await CertAsync(Folder, "viewer", "bob");
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose()
    {
        _nodes.ForEach(node => node.Dispose());
        _files.Dispose();
    }

    [Fact]
    public async Task Three_nodes_move_a_vm_and_strangers_are_told_why_not()
    {
        string[] links = [await StartAsync("node-1"), await StartAsync("node-2"), await StartAsync("node-3")];
        string image = _files.Path("echo.elf");
        await File.WriteAllBytesAsync(image, EchoGuest.Build(secondRests: true));

        await DoneAsync(
            "vm", "create", "web", "--image", image, "--vcpus", "2", "--memory", "16M", "--start", "--at", links[0],
            "--cert", Pair("alice"));
        using var moved = JsonDocument.Parse((await DoneAsync(
            "vm", "migrate", "web", "--to", "node-2", "--json", "--at", links[2], "--cert", Pair("alice"))).Out);
        CliRun seen = await DoneAsync("vm", "list", "--at", links[1], "--cert", Pair("bob"));
        CliRun denied = await CliRun.OfAsync("vm", "stop", "web", "--at", links[1], "--cert", Pair("bob"));
        CliRun without = await CliRun.OfAsync("vm", "list", "--at", links[1].Replace(
            s_own.ToString(), "127.0.0.1", StringComparison.Ordinal));

        Assert.Equal("node-2#1", moved.RootElement.GetProperty("to").GetString());
        Assert.Contains("node-2#1", seen.Out, StringComparison.Ordinal);
        Assert.Contains("Expected an operator for StopVm, found viewer bob.", denied.Error, StringComparison.Ordinal);
        Assert.Equal(CliFault.Refused, without.ExitCode);
        Assert.Contains(
            "operator alice asks for CreateVm web (client-", await EndAsync(_nodes[0]), StringComparison.Ordinal);
        Assert.All(
            Directory.GetFiles(Path.GetDirectoryName(_files.Path("store.db"))!, "store.db*")
                .Where(file => !file.EndsWith(".writer", StringComparison.Ordinal)),
            file => Assert.Equal(OwnerAlone, File.GetUnixFileMode(file)));
    }

    [Fact]
    public async Task A_node_of_another_authority_does_not_join_and_both_sides_say_why()
    {
        string foreign = _files.Path("foreign");
        await CertAsync(foreign, "ca", "--name", "foreign ca");
        await CertAsync(foreign, "node", "node-2", "--address", s_own.ToString());
        await StartAsync("node-1");

        using NodeProcess stranger = new("node", "run", "--config", ConfigOf("node-2", foreign));
        Assert.Null(await stranger.ReadyAsync());
        (int exitCode, string errors) = await stranger.EndAsync();
        string log = await EndAsync(_nodes[0]);

        Assert.Equal(CliFault.Refused, exitCode);
        Assert.Contains("Expected this node and node-1#1 at ", errors, StringComparison.Ordinal);
        Assert.Contains(
            "found one of node node-1 signed by another CN=kvmactors ca.", errors, StringComparison.Ordinal);
        Assert.Contains("found one of node node-2 signed by another CN=foreign ca.", log, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("link = \"192.0.2.1:5101\"", "", "expected a loopback address (127.0.0.1, [::1] or localhost), or ")]
    [InlineData("link = \"0.0.0.0:0\"", "node-1", "expected HOST:PORT for kvmactors.node.advertised, found \"\".")]
    [InlineData("advertised = \"db.example:1\"", "", "or mutual TLS (kvmactors.tls.certificate), for kvmactors.node.")]
    [InlineData("name = node-9", "node-1", "Expected a certificate of node node-9 at ")]
    [InlineData("name = alice", "alice", "Expected a certificate for servers, found one of operator alice")]
    [InlineData("name = node-1", "nobody", "Expected a certificate at ")]
    public async Task A_node_that_is_not_secured_does_not_start(string setting, string certificate, string expected)
    {
        await CertAsync(Folder, "node", "node-1");
        string file = certificate.Length == 0 ? "" : Pair(certificate);
        using NodeProcess node = new("node", "run", "--config", _files.Text(
            "bad.conf",
            $$"""
            kvmactors.node { link = "127.0.0.1:0" }
            kvmactors.node { {{setting}} }
            kvmactors.store.path = "{{_files.Path("store.db")}}"
            kvmactors.tls.certificate = "{{file}}"
            """));

        Assert.Null(await node.ReadyAsync());
        (int exitCode, string errors) = await node.EndAsync();

        Assert.Equal(CliFault.Refused, exitCode);
        Assert.Contains(expected, errors, StringComparison.Ordinal);
        Assert.False(File.Exists(_files.Path("store.db")));
    }

    [OpensslFact]
    public async Task Openssl_shakes_hands_by_tls_13_and_by_nothing_older()
    {
        string link = await StartAsync("node-1");
        string[] who = ["-cert", Pair("alice"), "-key", Path.Combine(Folder, "alice.key")];

        string good = await ConnectAsync(
            link, ["-tls1_3", "-alpn", "h2", "-verify_return_error", "-verify_ip", s_own.ToString(), .. who]);
        string older = await ConnectAsync(link, ["-tls1_2", .. who]);

        Assert.Contains("Verify return code: 0 (ok)", good, StringComparison.Ordinal);
        Assert.Contains("ALPN protocol: h2", good, StringComparison.Ordinal);
        Assert.Contains("TLSv1.3", good, StringComparison.Ordinal);
        Assert.Contains("alert protocol version", older, StringComparison.Ordinal);
    }

    private static IPAddress OwnAddress() => NetworkInterface.GetAllNetworkInterfaces()
        .Where(one => one.OperationalStatus == OperationalStatus.Up)
        .SelectMany(one => one.GetIPProperties().UnicastAddresses)
        .Select(one => one.Address)
        .FirstOrDefault(
            address => address.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(address),
            IPAddress.Loopback);

    private static async Task CertAsync(string folder, params string[] arguments) =>
        await DoneAsync(["cert", .. arguments, "--dir", folder]);

    private static async Task<CliRun> DoneAsync(params string[] arguments)
    {
        CliRun run = await CliRun.OfAsync(arguments);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        return run;
    }

    private static async Task<string> EndAsync(NodeProcess node)
    {
        node.Terminate();
        return (await node.EndAsync()).Errors;
    }

    private string Pair(string name) => Path.Combine(Folder, name + ".crt");

    private async Task<string> StartAsync(string name)
    {
        await CertAsync(Folder, "node", name, "--address", s_own.ToString());
        NodeProcess node = new("node", "run", "--json", "--config", ConfigOf(name, Folder));
        _nodes.Add(node);
        string? line = await node.ReadyAsync();
        Assert.True(line is not null, line is null ? (await node.EndAsync()).Errors : "");
        return ReadyLine.EndpointOf(line!);
    }

    private string ConfigOf(string name, string folder) => _files.Text(
        $"{name}.conf",
        $$"""
        kvmactors.node { name = {{name}}, link = "{{s_own}}:0", rehearsal = off }
        kvmactors.store { path = "{{_files.Path("store.db")}}", synchronous = normal }
        kvmactors.tls.certificate = "{{Path.Combine(folder, name + ".crt")}}"
        """);

    private async Task<string> ConnectAsync(string link, string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(
            "openssl", ["s_client", "-connect", link, "-CAfile", Path.Combine(Folder, "ca.crt"), .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        process.StandardInput.Close();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return output + await errors;
    }
}
