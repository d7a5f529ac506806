// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.Text.Json;
using KvmActors.Host.Security;
using KvmActors.Host.Tests.Cli;
using KvmActors.Host.Tests.Solo;

namespace KvmActors.Host.Tests.Security;

[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class CertVerbTests : IDisposable
{
    private readonly GuestFiles _files = new();

    private string Folder => _files.Path("pki");

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task A_first_clusters_certificates_are_made_and_say_what_they_are()
    {
        await MakeAllAsync();

        using var node = JsonDocument.Parse(
            (await DoneAsync("show", Path.Combine(Folder, "node-1.crt"), "--json")).Out);
        JsonElement shown = node.RootElement.GetProperty("certificate");
        Assert.Equal("node", shown.GetProperty("role").GetString());
        Assert.Equal("node-1", shown.GetProperty("name").GetString());
        Assert.Equal(365, shown.GetProperty("daysLeft").GetInt32());
        Assert.Equal(
            ["localhost", "node-1", "n1.example", "127.0.0.1", "::1", "10.0.0.1"],
            shown.GetProperty("names").EnumerateArray().Select(name => name.GetString()));
        Assert.Contains("operator alice", (await DoneAsync("show", Path.Combine(Folder, "alice.crt"))).Out,
            StringComparison.Ordinal);
        Assert.Contains("the authority signed it", (await DoneAsync(
            "show", Path.Combine(Folder, "bob.crt"), "--ca", Path.Combine(Folder, "ca.crt"))).Out,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Private_keys_are_their_owners_alone()
    {
        await MakeAllAsync();

        UnixFileMode ownerAlone = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        Assert.All(Directory.GetFiles(Folder, "*.key"), key => Assert.Equal(ownerAlone, File.GetUnixFileMode(key)));
        Assert.Equal(ownerAlone | UnixFileMode.UserExecute, File.GetUnixFileMode(Folder));
        Assert.Equal(4, Directory.GetFiles(Folder, "*.key").Length);
    }

    [Theory]
    [InlineData("ca", "ca.key")]
    [InlineData("operator alice", "alice.key")]
    [InlineData("node alice", "alice.crt")]
    public async Task Nothing_is_ever_overwritten(string what, string first)
    {
        await MakeAllAsync();
        string path = Path.Combine(Folder, first);
        byte[] before = await File.ReadAllBytesAsync(path);

        CliRun again = await CliRun.OfAsync(["cert", .. what.Split(' '), "--dir", Folder]);

        Assert.Equal(CliFault.Refused, again.ExitCode);
        Assert.Contains("Expected no file at ", again.Error, StringComparison.Ordinal);
        Assert.Equal(before, await File.ReadAllBytesAsync(path));
    }

    [Fact]
    public async Task A_key_that_is_there_alone_is_not_overwritten_and_leaves_no_certificate()
    {
        await DoneAsync("ca", "--dir", Folder);
        await File.WriteAllTextAsync(Path.Combine(Folder, "alice.key"), "mine");

        CliRun run = await CliRun.OfAsync("cert", "operator", "alice", "--dir", Folder);

        Assert.Equal(CliFault.Refused, run.ExitCode);
        Assert.False(File.Exists(Path.Combine(Folder, "alice.crt")));
        Assert.Equal("mine", await File.ReadAllTextAsync(Path.Combine(Folder, "alice.key")));
    }

    [Theory]
    [InlineData(2, "node Node-1", "Expected a name of 1 to 63 characters")]
    [InlineData(2, "operator ca", "and not ca; found \"ca\"")]
    [InlineData(2, "node node-1 --address 10.0.0.1:5101", "without a port, for --address; found \"10.0.0.1:5101\"")]
    [InlineData(2, "node node-1 --days 0", "Expected from 1 to 36500 days for --days, found 0")]
    [InlineData(1, "show nowhere.crt", "Expected a certificate at nowhere.crt (FILE), found no such file.")]
    public async Task What_is_wrong_is_told(int exitCode, string arguments, string expected)
    {
        await DoneAsync("ca", "--dir", Folder);
        string[] folder = arguments.StartsWith("show", StringComparison.Ordinal) ? [] : ["--dir", Folder];

        CliRun run = await CliRun.OfAsync(["cert", .. arguments.Split(' '), .. folder]);

        Assert.Equal(exitCode, run.ExitCode);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_an_authority_the_way_to_one_is_told()
    {
        CliRun run = await CliRun.OfAsync("cert", "node", "node-1", "--dir", Folder);

        Assert.Equal(CliFault.Refused, run.ExitCode);
        Assert.Contains($"Make one with: kvmactors cert ca --dir {Folder}", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_foreign_authority_does_not_take_it_and_the_exit_code_says_so()
    {
        await MakeAllAsync();
        using TestPki foreign = new(name: "foreign ca");

        CliRun run = await CliRun.OfAsync(
            "cert", "show", Path.Combine(Folder, "alice.crt"), "--ca", foreign.Path("ca.crt"));

        Assert.Equal(CliFault.Refused, run.ExitCode);
        Assert.Contains("authority CN=foreign ca", run.Out, StringComparison.Ordinal);
    }

    [OpensslFact]
    public async Task Openssl_takes_them_for_what_they_are_for_and_nothing_else()
    {
        await MakeAllAsync();

        Assert.Equal(0, (await OpensslAsync("verify", "-purpose", "sslserver", "-x509_strict", "node-1.crt")).ExitCode);
        Assert.Equal(0, (await OpensslAsync("verify", "-purpose", "sslclient", "-x509_strict", "node-1.crt")).ExitCode);
        Assert.Equal(0, (await OpensslAsync("verify", "-purpose", "sslclient", "-x509_strict", "alice.crt")).ExitCode);
        Assert.NotEqual(0, (await OpensslAsync("verify", "-purpose", "sslserver", "alice.crt")).ExitCode);
        Assert.Equal(
            0,
            (await OpensslAsync("verify", "-verify_ip", "10.0.0.1", "-verify_hostname", "n1.example", "node-1.crt"))
                .ExitCode);
        Assert.NotEqual(0, (await OpensslAsync("verify", "-verify_ip", "10.0.0.2", "node-1.crt")).ExitCode);
    }

    [OpensslFact]
    public async Task A_certificate_that_openssl_made_is_as_good_as_ours()
    {
        await DoneAsync("ca", "--dir", Folder);
        await File.WriteAllTextAsync(
            Path.Combine(Folder, "ext"), "subjectAltName=URI:kvmactors:viewer/eve\nextendedKeyUsage=clientAuth\n");
        Assert.Equal(0, (await OpensslAsync(
            "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "eve.key", "-out", "eve.csr", "-subj", "/CN=eve"))
            .ExitCode);
        Assert.Equal(0, (await OpensslAsync(
            "x509", "-req", "-in", "eve.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-set_serial", "5", "-out",
            "eve.crt", "-days", "2", "-extfile", "ext")).ExitCode);

        CliRun shown = await DoneAsync(
            "show", Path.Combine(Folder, "eve.crt"), "--ca", Path.Combine(Folder, "ca.crt"));

        Assert.Contains("viewer eve", shown.Out, StringComparison.Ordinal);
        TlsMaterial.Read(
            TlsFiles.Of(Path.Combine(Folder, "eve.crt"), key: null, authority: null), null, TlsWords.Options);
    }

    private async Task MakeAllAsync()
    {
        await DoneAsync("ca", "--dir", Folder);
        await DoneAsync("node", "node-1", "--address", "10.0.0.1", "--address", "n1.example", "--dir", Folder);
        await DoneAsync("operator", "alice", "--dir", Folder);
        await DoneAsync("viewer", "bob", "--days", "30", "--dir", Folder);
    }

    private static async Task<CliRun> DoneAsync(params string[] arguments)
    {
        CliRun run = await CliRun.OfAsync(["cert", .. arguments]);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        return run;
    }

    private async Task<(int ExitCode, string Output)> OpensslAsync(string verb, params string[] arguments)
    {
        string[] trust = verb == "verify" ? ["-CAfile", "ca.crt"] : [];
        using Process process = Process.Start(new ProcessStartInfo("openssl", [verb, .. trust, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Folder,
        })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output + await errors);
    }
}
