// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Host.Flight;

namespace KvmActors.Torture;

/// <summary>What is kept of a run that failed: one file with the last events of all nodes, of the clients and of the
/// nemesis in order of time, and the nodes' logs behind them.</summary>
internal static class Evidence
{
    /// <param name="path">The file to write.</param>
    /// <param name="folder">Where the nodes had their logs.</param>
    public static void Write(string path, string folder, RunLog log)
    {
        string flight = Path.Combine(folder, "flight");
        IEnumerable<(long At, string Who, string What)> recorded = Directory.Exists(flight)
            ? FlightFile.ReadAll([flight]).Select(each => (each.MonotonicNs, each.Node, each.What))
            : [];
        using StreamWriter file = new(path);
        foreach ((long at, string who, string what) in log.Lines.Concat(recorded).OrderBy(line => line.Item1))
        {
            file.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{at / 1e9:0.000000} {who,-10} {what}"));
        }

        foreach (string node in Directory.GetFiles(folder, "*.log").Order(StringComparer.Ordinal))
        {
            file.WriteLine();
            file.WriteLine($"=== {Path.GetFileName(node)}");
            file.Write(File.ReadAllText(node));
        }
    }
}
