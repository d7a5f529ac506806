// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Benchmarks.Parts;

/// <summary>The middle one of some measurements; of an even number the upper of two.</summary>
internal static class Median
{
    public static T Of<T>(IEnumerable<T> values)
        where T : IComparable<T>
    {
        T[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }
}
