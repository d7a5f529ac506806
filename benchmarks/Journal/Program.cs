// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Benchmarks.Journal;

DirectoryInfo folder = Directory.CreateTempSubdirectory("kvmactors-journal-");
try
{
    await Appends.MeasureAsync(folder.FullName, Print);
    await Recovery.MeasureAsync(folder.FullName, Print);
    SnapshotPause.Measure(Print);
    await Recording.MeasureAsync(folder.FullName, Print);
}
finally
{
    folder.Delete(recursive: true);
}

static void Print(string measured, FormattableString found) =>
    Console.WriteLine($"{measured,-58} {found.ToString(CultureInfo.InvariantCulture)}");
