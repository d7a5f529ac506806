// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Host.Security;
using KvmActors.Host.Tests.Cli;

namespace KvmActors.Torture.Cluster;

/// <summary>Certificates of a cluster's nodes and of an operator, as <c>kvmactors cert</c> makes them.</summary>
internal sealed class ClusterCertificates
{
    private const string Person = "torturer";

    private readonly string _folder;

    private ClusterCertificates(string folder) => _folder = folder;

    /// <summary>Those of the clients.</summary>
    public TlsCredentials OfClient() => TlsCredentials.OfClient(
        TlsFiles.Of(Path.Combine(_folder, $"{Person}.crt"), key: null, authority: null), TimeProvider.System);

    public static async Task<ClusterCertificates> MakeAsync(string folder, int nodes)
    {
        await MakeAsync(folder, "ca");
        await MakeAsync(folder, "operator", Person);
        for (int node = 1; node <= nodes; node++)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"node-{node}");
            await MakeAsync(folder, "node", name, "--address", NodeNetwork.AddressOf(node));
        }

        return new ClusterCertificates(folder);
    }

    /// <summary>Of one node.</summary>
    public string FileOf(string node) => Path.Combine(_folder, $"{node}.crt");

    private static async Task MakeAsync(string folder, params string[] what)
    {
        CliRun run = await CliRun.OfAsync(["cert", .. what, "--dir", folder]);
        Assert.True(run.ExitCode == 0, run.Error);
    }
}
