// SPDX-License-Identifier: Apache-2.0

using KvmActors.Benchmarks.Journal;
using KvmActors.Benchmarks.Parts;

return await BenchmarkParts.RunAsync(
    args,
    "kvmactors-journal-",
    ("appends", Appends.MeasureAsync),
    ("postgres", static (_, print) => PostgresAppends.MeasureAsync(print)),
    ("recovery", Recovery.MeasureAsync),
    ("snapshots", static (_, print) => Task.Run(() => SnapshotPause.Measure(print))),
    ("recording", Recording.MeasureAsync));
