// SPDX-License-Identifier: Apache-2.0

using KvmActors.Benchmarks.Cluster;
using KvmActors.Benchmarks.Parts;

return await BenchmarkParts.RunAsync(
    args,
    "kvmactors-cluster-",
    ("kernel", static (_, print) => KernelSpeed.MeasureAsync(print)),
    ("links", static (_, print) => LinkSpeed.MeasureAsync(print)),
    ("takeover", Takeover.MeasureAsync),
    ("fleet", FleetTakeover.MeasureAsync),
    ("downtime", Downtime.MeasureAsync));
