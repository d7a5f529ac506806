// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Benchmarks.Engine;

/// <summary>What is no row of the first table.</summary>
internal static class Measurements
{
    public static IReadOnlyList<string> Names { get; } = [];

    public static Task RunAsync(BenchmarkOptions options, string folder, Report report) => Task.CompletedTask;
}
