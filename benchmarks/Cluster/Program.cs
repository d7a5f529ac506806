// SPDX-License-Identifier: Apache-2.0

using KvmActors.Benchmarks.Cluster;
using KvmActors.Benchmarks.Parts;

return await BenchmarkParts.RunAsync(
    args,
    "kvmactors-cluster-",
    ("kernel", static (_, print) => KernelSpeed.MeasureAsync(print)),
    ("links", static (_, print) => LinkSpeed.MeasureAsync(print)),
    ("takeover", Takeover.MeasureAsync),
    ("takeover-postgres", Takeover.MeasureOnPostgresAsync),
    ("fleet", FleetTakeover.MeasureAsync),
    ("idle", static (folder, print) => Downtime.MeasureAsync(folder, print, "idle", null, 256)),
    ("idle-1024", static (folder, print) => Downtime.MeasureAsync(folder, print, "idle", null, 1024)),
    ("dirty-64", static (folder, print) => Downtime.MeasureAsync(folder, print, "dirty-64", 64, 256)),
    ("dirty-max", static (folder, print) => Downtime.MeasureAsync(folder, print, "dirty-max", 0, 256)));
