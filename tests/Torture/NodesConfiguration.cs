// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Host.Tests;
using KvmActors.Torture.Cluster;

namespace KvmActors.Torture;

/// <summary>One file for all nodes of a run: some Intel's, some AMD's.</summary>
internal static class NodesConfiguration
{
    /// <param name="certificates">Null: plain links.</param>
    public static string Of(
        TortureStore store, int count, string folder, ClusterCertificates? certificates) => $$"""
        kvmactors {
          {{store.Settings}}
          journal { snapshot-interval = 5ms, snapshot-wait-max = 0s, progress-interval = 100ms }
          flight { folder = "{{Path.Combine(folder, "flight")}}", events = 16384 }
          rpc { timeout = 5s, control-timeout = 7s }
          node.rehearsal = off
          nodes {
            {{string.Join("\n    ", Enumerable.Range(1, count).Select(node => Node(node, certificates)))}}
          }
        }
        """;

    private static string Node(int number, ClusterCertificates? certificates)
    {
        string vendor = number % 2 == 1 ? "intel" : "amd";
        string dump = Repository.File(
            vendor == "intel" ? "samples/cpuid/intel-xeon-platinum-9242.txt" : "samples/cpuid/amd-epyc-9334.txt");
        return string.Create(
            CultureInfo.InvariantCulture,
            $$"""
            node-{{number}} {
                  tls.certificate = "{{certificates?.FileOf($"node-{number}")}}"
                  node.link = "{{NodeNetwork.AddressOf(number)}}:5101"
                  node { host-vendor = {{vendor}}, cpuid-source = "file {{dump}}" }
                }
            """);
    }
}
