// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Host.Tests;
using KvmActors.Torture.Cluster;

namespace KvmActors.Torture;

/// <summary>One file for all nodes of a run: some Intel's, some AMD's.</summary>
internal static class NodesConfiguration
{
    public static string Of(TortureStore store, int count, string folder) => $$"""
        kvmactors {
          {{store.Settings}}
          journal { snapshot-interval = 5ms, progress-interval = 100ms }
          flight { folder = "{{Path.Combine(folder, "flight")}}", events = 16384 }
          rpc { timeout = 5s, control-timeout = 7s }
          nodes {
            {{string.Join("\n    ", Enumerable.Range(1, count).Select(Node))}}
          }
        }
        """;

    private static string Node(int number)
    {
        string vendor = number % 2 == 1 ? "intel" : "amd";
        string dump = Repository.File(
            vendor == "intel" ? "samples/cpuid/intel-xeon-platinum-9242.txt" : "samples/cpuid/amd-epyc-9334.txt");
        return string.Create(
            CultureInfo.InvariantCulture,
            $$"""
            node-{{number}}.node {
                  link = "{{NodeNetwork.AddressOf(number)}}:5101"
                  host-vendor = {{vendor}}, cpuid-source = "file {{dump}}"
                }
            """);
    }
}
