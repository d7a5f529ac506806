// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Benchmarks.Cluster;

DirectoryInfo folder = Directory.CreateTempSubdirectory("kvmactors-cluster-");
(string Name, Func<Task> Measure)[] parts =
[
    ("kernel", () => KernelSpeed.MeasureAsync(Print)),
    ("links", () => LinkSpeed.MeasureAsync(Print)),
    ("takeover", () => Takeover.MeasureAsync(folder.FullName, Print)),
    ("fleet", () => FleetTakeover.MeasureAsync(folder.FullName, Print)),
    ("downtime", () => Downtime.MeasureAsync(folder.FullName, Print)),
];
if (args.FirstOrDefault(arg => !Array.Exists(parts, part => part.Name == arg)) is { } unknown)
{
    Console.Error.WriteLine(
        $"Expected parts out of {string.Join(", ", parts.Select(part => part.Name))}; found {unknown}.");
    return 1;
}

try
{
    foreach ((string name, Func<Task> measure) in parts)
    {
        if (args.Length == 0 || args.Contains(name))
        {
            await measure();
        }
    }
}
finally
{
    folder.Delete(recursive: true);
}

return 0;

static void Print(string measured, FormattableString found) =>
    Console.WriteLine($"{measured,-58} {found.ToString(CultureInfo.InvariantCulture)}");
