// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.Text.Json;
using KvmActors.Host.Control.V1;
using KvmActors.Host.Security;
using KvmActors.Host.Tests.Interop;
using KvmActors.Host.Tests.Node;
using KvmActors.Host.Tests.Solo;

namespace KvmActors.Host.Tests.Security;

/// <summary>A gRPC client that is not ours, with certificates of ours.</summary>
public sealed class GrpcioTlsTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    private readonly GuestFiles _files = new();
    private readonly TestPki _pki = new();
    private readonly TestPki _foreign = new(name: "foreign ca");

    public void Dispose()
    {
        _foreign.Dispose();
        _pki.Dispose();
        _files.Dispose();
    }

    [GrpcioFact]
    public async Task A_grpcio_client_is_taken_for_who_its_certificate_says()
    {
        TlsFiles own = _pki.Write(CertificateRole.Node, "node-1");
        _pki.Write(CertificateRole.Operator, "alice");
        _pki.Write(CertificateRole.Viewer, "bob");
        _foreign.Write(CertificateRole.Operator, "mallory");
        await using LiveNode node = await LiveNode.StartAsync(
            _files.Path("store.db"), "node-1", $"kvmactors.tls.certificate = \"{own.Certificate}\"");

        using JsonDocument seen = await RunAsync(node.Address);

        JsonElement root = seen.RootElement;
        Assert.Equal("node-1#1", root.GetProperty("operatorPings").GetString());
        Assert.Equal("created", root.GetProperty("operatorCreates").GetString());
        Assert.Equal(["py"], Texts(root, "viewerLists"));
        Assert.Equal("PERMISSION_DENIED", Texts(root, "viewerStarts")[0]);
        Assert.Equal(
            "Expected an operator for StartVm, found viewer bob. Ask with another certificate.",
            Texts(root, "viewerStarts")[1]);
        Assert.Equal("UNAUTHENTICATED", Texts(root, "foreignPings")[0]);
        Assert.Contains("found one of operator mallory signed by", Texts(root, "foreignPings")[1],
            StringComparison.Ordinal);
        Assert.Equal("UNAUTHENTICATED", Texts(root, "nobodyPings")[0]);
        Assert.Contains("found none", Texts(root, "nobodyPings")[1], StringComparison.Ordinal);
    }

    private static string[] Texts(JsonElement root, string name) =>
        [.. root.GetProperty(name).EnumerateArray().Select(element => element.GetString()!)];

    private async Task<JsonDocument> RunAsync(string address)
    {
        string descriptor = _files.Path("control.bin");
        await File.WriteAllBytesAsync(descriptor, ControlReflection.Descriptor.SerializedData.ToByteArray());
        string script = Repository.File("tests/Host.Tests/Interop/tls_client.py");
        using Process python = Process.Start(new ProcessStartInfo(
            GrpcioFactAttribute.Python!,
            [script, address, descriptor, _files.Story(), _pki.Folder, _foreign.Path("mallory")])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        try
        {
            using var late = new CancellationTokenSource(s_patience);
            Task<string> errors = python.StandardError.ReadToEndAsync(late.Token);
            string output = await python.StandardOutput.ReadToEndAsync(late.Token);
            await python.WaitForExitAsync(late.Token);
            Assert.True(python.ExitCode == 0, await errors);
            return JsonDocument.Parse(output);
        }
        finally
        {
            if (!python.HasExited)
            {
                python.Kill();
            }
        }
    }
}
