// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using KvmActors.Host.Control;
using KvmActors.Host.Control.V1;

namespace KvmActors.Host.Cli.Verbs;

/// <summary>What every verb about one vCPU of a cluster is given.</summary>
/// <param name="json">What <c>--json</c> prints.</param>
internal sealed class VcpuOptions(string json)
{
    public Argument<string> Vcpu { get; } = new("VM/INDEX") { Description = "The vCPU, such as web/0" };

    public ClusterAccess Access { get; } = new();

    public Option<bool> Json { get; } = VerbOptions.Json(json);

    /// <summary>A client of the node that was named.</summary>
    public ControlClient Connect(ParseResult parsed) => Access.Connect(parsed);

    /// <summary>Asks for the vCPU as its owner publishes it.</summary>
    public async Task<VcpuStatus> ShowAsync(ParseResult parsed, CancellationToken stop)
    {
        using ControlClient client = Connect(parsed);
        return await ShowAsync(client, parsed, stop).ConfigureAwait(false);
    }

    public Task<VcpuStatus> ShowAsync(ControlClient client, ParseResult parsed, CancellationToken stop) =>
        client.CallAsync(
            ControlMethods.ShowVcpu, new ShowVcpuRequest { Vcpu = parsed.GetRequiredValue(Vcpu) }, stop);
}
