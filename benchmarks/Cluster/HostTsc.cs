// SPDX-License-Identifier: Apache-2.0

using System.Globalization;

namespace KvmActors.Benchmarks.Cluster;

/// <summary>Speed of the host's time-stamp counter.</summary>
internal static class HostTsc
{
    /// <returns>What /proc/cpuinfo has as the first CPU's MHz: near enough to pace a guest by.</returns>
    public static double PerSecond()
    {
        string line = File.ReadLines("/proc/cpuinfo")
            .First(line => line.StartsWith("cpu MHz", StringComparison.Ordinal));
        return double.Parse(line.Split(':')[1], CultureInfo.InvariantCulture) * 1e6;
    }
}
