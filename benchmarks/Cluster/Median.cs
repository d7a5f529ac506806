// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Benchmarks.Cluster;

internal static class Median
{
    public static double Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }
}
