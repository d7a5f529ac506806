// SPDX-License-Identifier: Apache-2.0

using System.Globalization;

namespace KvmActors.Benchmarks.Parts;

/// <summary>A program of measurements that are run all, or those that are named.</summary>
internal static class BenchmarkParts
{
    /// <param name="folder">Prefix of the folder that the parts may write to; it is deleted behind them.</param>
    /// <param name="parts">By name, in the order in which they are run.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(
        string[] names,
        string folder,
        params (string Name, Func<string, Action<string, FormattableString>, Task> Measure)[] parts)
    {
        if (names.FirstOrDefault(name => !Array.Exists(parts, part => part.Name == name)) is { } unknown)
        {
            Console.Error.WriteLine(
                $"Expected parts out of {string.Join(", ", parts.Select(part => part.Name))}; found {unknown}.");
            return 1;
        }

        DirectoryInfo own = Directory.CreateTempSubdirectory(folder);
        try
        {
            foreach ((string name, Func<string, Action<string, FormattableString>, Task> measure) in parts)
            {
                if (names.Length == 0 || names.Contains(name))
                {
                    await measure(own.FullName, Print);
                }
            }
        }
        finally
        {
            own.Delete(recursive: true);
        }

        return 0;
    }

    private static void Print(string measured, FormattableString found) =>
        Console.WriteLine($"{measured,-58} {found.ToString(CultureInfo.InvariantCulture)}");
}
