// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Benchmarks.Journal;

DirectoryInfo folder = Directory.CreateTempSubdirectory("kvmactors-journal-");
(string Name, Func<Task> Measure)[] parts =
[
    ("appends", () => Appends.MeasureAsync(folder.FullName, Print)),
    ("postgres", () => PostgresAppends.MeasureAsync(Print)),
    ("recovery", () => Recovery.MeasureAsync(folder.FullName, Print)),
    ("snapshots", () => Task.Run(() => SnapshotPause.Measure(Print))),
    ("recording", () => Recording.MeasureAsync(folder.FullName, Print)),
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
