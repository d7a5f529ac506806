// SPDX-License-Identifier: Apache-2.0

using KvmActors.Benchmarks;
using KvmActors.Benchmarks.Cluster;

return await BenchmarkParts.RunAsync(
    args,
    "kvmactors-cluster-",
    ("kernel", static (_, print) => KernelSpeed.MeasureAsync(print)),
    ("links", static (_, print) => LinkSpeed.MeasureAsync(print)),
    ("takeover", Takeover.MeasureAsync),
    ("fleet", FleetTakeover.MeasureAsync),
    ("downtime", Downtime.MeasureAsync));
