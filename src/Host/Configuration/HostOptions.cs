// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Actors.Migration;
using KvmActors.Host.Hocon;
using KvmActors.Machine;
using Microsoft.Extensions.Logging;

namespace KvmActors.Host.Configuration;

/// <summary>All settings of a node, checked. Each is a key of <c>hocon/reference.conf</c>, where it is
/// explained.</summary>
internal sealed record HostOptions(
    NodeOptions Node,
    StoreOptions Store,
    ClusterOptions Cluster,
    JournalOptions Journal,
    VmOptions Vm,
    MigrationOptions Migration,
    RpcOptions Rpc,
    TlsOptions Tls,
    FlightOptions Flight,
    LogLevel LogLevel)
{
    /// <summary>What this node writes for its peers: see <see cref="WireVersion"/>.</summary>
    public int WriteVersion { get; init; }

    private static readonly TimeSpan s_minute = TimeSpan.FromMinutes(1);

    /// <summary>Reads every key.</summary>
    /// <exception cref="HoconException">A value of the wrong type or out of its bounds.</exception>
    public static HostOptions Bind(HoconConfig config) => new(
        NodeOptions.Bind(config),
        StoreOptions.Bind(config),
        BindCluster(config),
        BindJournal(config),
        BindVm(config),
        BindMigration(config),
        BindRpc(config),
        TlsOptions.Bind(config),
        FlightOptions.Bind(config),
        config.GetChoice("kvmactors.log.level", s_logLevels))
    {
        WriteVersion = (int)config.GetInteger(
            "kvmactors.compat.write-version", WireVersion.Oldest, WireVersion.Latest),
    };

    private static readonly ImmutableArray<(string, LogLevel)> s_logLevels =
    [
        ("debug", LogLevel.Debug),
        ("information", LogLevel.Information),
        ("warning", LogLevel.Warning),
        ("error", LogLevel.Error),
    ];

    private static ClusterOptions BindCluster(HoconConfig config)
    {
        TimeSpan lease = config.GetDuration("kvmactors.cluster.lease", Milliseconds(500), TimeSpan.FromMinutes(10));
        TimeSpan renewMax = lease / 3 < s_minute ? lease / 3 : s_minute;
        return new ClusterOptions(
            lease,
            Renew: config.GetDuration("kvmactors.cluster.renew", Milliseconds(50), renewMax),
            Grace: config.GetDuration("kvmactors.cluster.grace", TimeSpan.Zero, s_minute),
            Watch: config.GetDuration("kvmactors.cluster.watch", Milliseconds(10), s_minute),
            ClaimHeadStart: config.GetDuration("kvmactors.cluster.claim-head-start", TimeSpan.Zero, s_minute),
            StoreRetry: config.GetDuration("kvmactors.cluster.store-retry", Milliseconds(10), s_minute));
    }

    private static JournalOptions BindJournal(HoconConfig config) => new(
        ProgressInterval: config.GetDuration(
            "kvmactors.journal.progress-interval", Milliseconds(10), TimeSpan.FromHours(1)),
        SnapshotInterval: config.GetDuration(
            "kvmactors.journal.snapshot-interval", Milliseconds(1), TimeSpan.FromHours(24)),
        SnapshotWaitMax: config.GetDuration("kvmactors.journal.snapshot-wait-max", TimeSpan.Zero, s_minute),
        SnapshotsKept: (int)config.GetInteger("kvmactors.journal.snapshots-kept", 1, 1_000_000),
        ReplayMax: config.GetDuration("kvmactors.journal.replay-max", TimeSpan.Zero, TimeSpan.FromHours(24)),
        MemorySumInterval: config.GetDuration(
            "kvmactors.journal.memory-sum-interval", Milliseconds(1), TimeSpan.FromHours(1)));

    private static VmOptions BindVm(HoconConfig config) => new(
        Slice: config.GetDuration("kvmactors.vm.slice", Milliseconds(1), Milliseconds(10)),
        IdleTime: config.GetChoice("kvmactors.vm.idle-time", [("real", IdleTime.Real), ("skip", IdleTime.Skip)]),
        TurnTicks: (ulong)config.GetInteger("kvmactors.vm.turn", 1_000, 10_000_000),
        PatchPolicy: config.GetChoice("kvmactors.vm.hypercall-patch", ConfigurationWords.PatchPolicies),
        Cpu: config.GetChoice(
            "kvmactors.vm.cpu", [("baseline", CpuidDefault.Baseline), ("node", CpuidDefault.Node)]),
        MemoryBytes: config.GetSize(
            "kvmactors.vm.memory", MachineSpecRules.MemoryBytesMin, MachineSpecRules.MemoryBytesMax),
        MemoryBytesAllMax: config.GetSize(
            "kvmactors.vm.memory-all-max", MachineSpecRules.MemoryBytesMin, most: 1UL << 40),
        ActivationFailuresMax: (int)config.GetInteger("kvmactors.vm.activation-failures-max", 1, 1_000));

    private static MigrationOptions BindMigration(HoconConfig config) => new(
        TimeBudget: config.GetDuration(
            "kvmactors.migration.time-budget", TimeSpan.FromSeconds(1), TimeSpan.FromHours(24)),
        new MigrationLimits(
            DowntimeTarget: config.GetDuration(
                "kvmactors.migration.downtime-target", Milliseconds(1), TimeSpan.FromMinutes(1)),
            RoundsMax: (int)config.GetInteger("kvmactors.migration.rounds-max", 1, 1_000),
            BytesPerSecondMax: config.GetSize("kvmactors.migration.bandwidth-max", 0, 1UL << 40))
        {
            Compression = config.GetChoice(
                "kvmactors.migration.compression",
                [
                    ("auto", PageCompression.Auto),
                    ("always", PageCompression.Always),
                    ("never", PageCompression.Never),
                ]),
        });

    private static RpcOptions BindRpc(HoconConfig config) => new(
        Timeout: config.GetDuration("kvmactors.rpc.timeout", Milliseconds(100), TimeSpan.FromMinutes(10)),
        ControlTimeout: config.GetDuration(
            "kvmactors.rpc.control-timeout", Milliseconds(100), TimeSpan.FromMinutes(10)),
        MessageBytesMax: (int)config.GetSize("kvmactors.rpc.message-max", 1 << 20, 256 << 20),
        ConnectionsMax: (int)config.GetInteger("kvmactors.rpc.connections-max", 1, 100_000));

    private static TimeSpan Milliseconds(int count) => TimeSpan.FromMilliseconds(count);
}
