// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Vm;
using KvmActors.Cpu;
using KvmActors.Cpu.Cpuid;
using KvmActors.Host.Configuration;
using KvmActors.Host.Control;
using KvmActors.Host.Flight;
using KvmActors.Host.Rpc;
using KvmActors.Host.Security;
using KvmActors.Host.Store;
using KvmActors.Persistence;
using KvmActors.Persistence.Membership;
using KvmActors.Persistence.Snapshots;
using Microsoft.Extensions.Logging;

namespace KvmActors.Host.Node;

/// <summary>One node as a process has it: store, listener, lock and clock around a <see cref="ClusterNode"/>.</summary>
/// <remarks>Order matters. It listens before it joins, so that a peer that reads its row can reach it; where the store
/// is a file it takes its process lock right after it joined, and gives it back last, because a free lock proves its
/// death.</remarks>
internal sealed class NodeHost : IAsyncDisposable
{
    /// <summary>States move only between nodes whose engine has one name.</summary>
    public static string EngineName { get; } = $"kvmactors {Version}";

    private static readonly TimeSpan s_lookAgainAfter = TimeSpan.FromMilliseconds(20);

    private readonly HostOptions _options;
    private readonly ILogger _log;
    private readonly ILoggerFactory _logs;
    private readonly IStore _store;
    private readonly INodeDeathProbe _probe;
    private readonly TlsCredentials? _credentials;
    private readonly NodePeers _peers;
    private readonly NodeLink _link;
    private readonly FlightRecorder? _recorder;
    private RpcListener? _listener;
    private NodeProcessLock? _lock;
    private ClusterNodeOptions? _nodeOptions;
    private ClusterNode? _node;
    private ClusterNode? _joined;

    private NodeHost(HostOptions options, TlsCredentials? credentials, IStore store, ILoggerFactory logs)
    {
        _options = options;
        _logs = logs;
        _log = logs.CreateLogger("KvmActors.Node");
        _recorder = OpenRecorder();
        _store = _recorder is null ? store : new RecordedStore(store, _recorder);
        _probe = options.Store.Kind == StoreKind.Sqlite
            ? new FileLockProbe(options.Store.Path)
            : new LeaseOnlyProbe();
        _credentials = credentials;
        _peers = new NodePeers(_store, options.Node.Name);
        _link = new NodeLink(
            options.Rpc.MessageBytesMax,
            credentials is null ? null : new TlsDialer(credentials, _peers.NameOfAsync),
            _log);
    }

    private static string Version => typeof(NodeHost).Assembly.GetName().Version!.ToString(fieldCount: 3);

    /// <summary>The node, which has joined.</summary>
    public ClusterNode Node => _joined!;

    /// <summary>Where others reach it, with the port that it really got.</summary>
    public string Address => _options.Node.AddressAt(_listener!.Address);

    /// <exception cref="CliFault">CPUID source, address or name cannot be used.</exception>
    /// <exception cref="StoreOpenException">The store cannot be used.</exception>
    public static async Task<NodeHost> StartAsync(
        HostOptions options, ILoggerFactory logs, CancellationToken cancellationToken)
    {
        EngineSource.Check(options.Node.Engine);
        CpuidTable cpuid = CpuidSource.Read(options.Node.CpuidFile);
        TlsCredentials? credentials = options.Tls.Files is { } files
            ? TlsCredentials.OfNode(
                files,
                options.Tls.RevokedFile,
                options.Node.Name,
                TimeProvider.System,
                logs.CreateLogger("KvmActors.Tls"))
            : null;
        IStore store = await StoreOpening.OpenAsync(options, cancellationToken).ConfigureAwait(false);
        NodeHost host = new(options, credentials, store, logs);
        try
        {
            if (EngineSource.NoteOf(options.Node.Engine, Vcpu.TranslatorRefusal) is { } note)
            {
                host._log.EngineNote(note);
            }

            await host.ListenAsync(cancellationToken).ConfigureAwait(false);
            if (credentials is not null)
            {
                await host._peers.MeetAsync(host._link, cancellationToken).ConfigureAwait(false);
            }

            await host.JoinAsync(cpuid, cancellationToken).ConfigureAwait(false);
            return host;
        }
        catch
        {
            await host.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc cref="Rehearsal.TryAsync"/>
    public Task RehearseAsync(CancellationToken cancellationToken) =>
        Rehearsal.TryAsync(_nodeOptions!, GuestsOf(_options), _log, cancellationToken);

    /// <summary>What makes the guests of such a node.</summary>
    public static MachineGuestFactory GuestsOf(HostOptions options) =>
        new(EngineName, new EngineOptions { Choice = options.Node.Engine });

    /// <summary>Moves away what the node owns, within <c>node.drain-timeout</c>.</summary>
    public async Task DrainAsync()
    {
        if (_options.Node.DrainTimeout == TimeSpan.Zero)
        {
            return;
        }

        using CancellationTokenSource late = new(_options.Node.DrainTimeout);
        DrainStatus end = await Node.DrainAsync(late.Token).ConfigureAwait(false);
        if (end.Left == 0)
        {
            _log.NodeDrained(Node.Id, end.Moved);
            return;
        }

        string reason = end.Problems is [var first, ..] ? $"{first.Vm}: {first.Reason}" : "There was no more time.";
        _log.DrainEndedEarly(Node.Id, end.Moved, end.Left, reason);
    }

    /// <summary>Settles every guest and leaves, within <c>node.shutdown-timeout</c>.</summary>
    public async Task StopAsync()
    {
        _log.NodeStops(Node.Id);
        TimeSpan timeout = _options.Node.ShutdownTimeout;
        try
        {
            await Node.StopAsync().WaitAsync(timeout).ConfigureAwait(false);
            _log.NodeLeft(Node.Id);
        }
        catch (TimeoutException)
        {
            _log.NodeStoppedHard(Node.Id, timeout.TotalMilliseconds);
            Node.Abandon();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_listener is not null)
        {
            using CancellationTokenSource now = new(TimeSpan.FromMilliseconds(100));
            await _listener.StopAsync(now.Token).ConfigureAwait(false);
            await _listener.DisposeAsync().ConfigureAwait(false);
        }

        if (_node is not null)
        {
            await _node.DisposeAsync().ConfigureAwait(false);
        }

        _link.Dispose();
        await _store.DisposeAsync().ConfigureAwait(false);
        (_probe as IDisposable)?.Dispose();
        _lock?.Dispose();
        AppDomain.CurrentDomain.UnhandledException -= OnUnhandled;
        _recorder?.Dispose();
    }

    /// <returns>Null where none is wanted, or none can be had: that keeps no node from its work.</returns>
    private FlightRecorder? OpenRecorder()
    {
        if (_options.Flight.Events == 0)
        {
            return null;
        }

        string folder = _options.Flight.FolderFor(_options.Store);
        try
        {
            var recorder = FlightRecorder.Open(folder, _options.Node.Name, _options.Flight.Events);
            recorder.Record($"{EngineName} starts as process {Environment.ProcessId}");
            AppDomain.CurrentDomain.UnhandledException += OnUnhandled;
            return recorder;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            _log.NoFlightRecorder(folder, fault.Message);
            return null;
        }
    }

    private void OnUnhandled(object sender, UnhandledExceptionEventArgs fatal) =>
        _recorder?.Record($"fatal: {fatal.ExceptionObject}");

    private async Task ListenAsync(CancellationToken cancellationToken)
    {
        RpcService service = new(_options.Rpc.MessageBytesMax);
        new ControlHandlers(() => _joined, _store, _options, TimeProvider.System, Version).AddTo(service);
        service.AddLent(NodeLink.Method, HandleLinkAsync).AddMultiplexed(
            NodeLink.StreamPath, HandleLinkAsync, fault => _log.CallFailed(NodeLink.StreamPath, fault));
        RpcListenerOptions listen = new(_options.Node.Link, _credentials, ControlAccess.Of)
        {
            ConnectionsMax = _options.Rpc.ConnectionsMax,
            HandshakeTimeout = _options.Tls.HandshakeTimeout,
        };
        _listener = await RpcListener.StartAsync(listen, service, _logs, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<ReadOnlyMemory<byte>> HandleLinkAsync(
        ReadOnlyMemory<byte> request, RpcPeer? peer, CancellationToken cancellationToken)
    {
        if (_joined is not { } node)
        {
            throw new RpcException(
                RpcStatus.Unavailable, "Expected a node that has joined, found one that is starting.");
        }

        try
        {
            return await node.HandleLinkAsync(request, peer?.Identity?.Name, cancellationToken).ConfigureAwait(false);
        }
        catch (InvalidDataException fault)
        {
            throw new RpcException(RpcStatus.InvalidArgument, fault.Message, inner: fault);
        }
        catch (StoreUnavailableException away)
        {
            throw new RpcException(RpcStatus.Unavailable, away.Message, inner: away);
        }
        catch (UnauthorizedAccessException fault)
        {
            throw new RpcException(RpcStatus.PermissionDenied, fault.Message, inner: fault);
        }
    }

    private async Task JoinAsync(CpuidTable cpuid, CancellationToken cancellationToken)
    {
        RecordedEvents events = new(new ClusterLogObserver(_logs.CreateLogger("KvmActors.Cluster")), _recorder);
        _nodeOptions = NodeOptionsOf(cpuid);
        _node = new ClusterNode(_nodeOptions, new ClusterNodeServices(
            _store,
            TimeProvider.System,
            TaskScheduler.Default,
            new RecordedLink(_link, _recorder),
            vm => new GuestThread(vm),
            GuestsOf(_options),
            _probe,
            events,
            events));
        RegisterResult result = await RegisterAsync(_node, cancellationToken).ConfigureAwait(false);
        if (result is RegisterResult.NameTaken { Holder: var holder })
        {
            throw new CliFault(
                $"Expected no live node named {_options.Node.Name}, found {holder.Id} (process {holder.ProcessId}) at "
                + $"{holder.Endpoint}. Stop it, wait until its lease is over, or choose another node.name.");
        }

        _lock = _options.Store.Kind == StoreKind.Sqlite
            ? NodeProcessLock.Hold(_options.Store.Path, _node.Id)
            : null;
        _joined = _node;
        _log.NodeListens(_node.Id, Address, _credentials is null ? "plain" : "TLS", _options.Store.Name);
    }

    /// <summary>Registers; where a predecessor of this name is gone, as soon as that is known of it.</summary>
    private async Task<RegisterResult> RegisterAsync(ClusterNode node, CancellationToken cancellationToken)
    {
        long begun = TimeProvider.System.GetTimestamp();
        TimeSpan patience = _options.Cluster.Lease + _options.Cluster.Grace;
        while (true)
        {
            RegisterResult result = await TryStartAsync(node, cancellationToken).ConfigureAwait(false);
            if (result is not RegisterResult.NameTaken { Holder: var holder })
            {
                return result;
            }

            if (await BuryAsync(holder, cancellationToken).ConfigureAwait(false))
            {
                continue;
            }

            // Its lock may be in the hand of a peer that is about to declare it dead, or it died before it had one.
            if (IsRunning(holder.ProcessId) || TimeProvider.System.GetElapsedTime(begun) > patience)
            {
                return result;
            }

            await Task.Delay(s_lookAgainAfter, cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task<RegisterResult> TryStartAsync(ClusterNode node, CancellationToken cancellationToken)
    {
        try
        {
            return await node.StartAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (PeerVersionException fault)
        {
            throw new CliFault(fault.Message, fault);
        }
    }

    private static bool IsRunning(int processId) =>
        Directory.Exists($"/proc/{processId.ToString(CultureInfo.InvariantCulture)}");

    /// <summary>A predecessor whose process is gone is declared dead at once, instead of waiting for its
    /// lease.</summary>
    private async Task<bool> BuryAsync(NodeRow predecessor, CancellationToken cancellationToken)
    {
        if (!_probe.IsProvenDead(predecessor))
        {
            return false;
        }

        _log.PredecessorDead(predecessor.Id);
        return await _store.DeclareDeadAsync(
            predecessor.Id, DeathEvidence.FileLockHeld, _options.Cluster.Grace, cancellationToken)
            .ConfigureAwait(false);
    }

    private ClusterNodeOptions NodeOptionsOf(CpuidTable cpuid) => new(
        _options.Node.Name,
        Address,
        Environment.ProcessId,
        _options.Node.HostVendor ?? CpuidSource.VendorOfHost(),
        cpuid)
    {
        Lease = _options.Cluster.Lease,
        RenewEvery = _options.Cluster.Renew,
        DeathGrace = _options.Cluster.Grace,
        WatchEvery = _options.Cluster.Watch,
        ClaimHeadStart = _options.Cluster.ClaimHeadStart,
        StoreRetryAfter = _options.Cluster.StoreRetry,
        SliceWall = _options.Vm.Slice,
        IdleTimeIsReal = _options.Vm.IdleTime == IdleTime.Real,
        ProgressInterval = _options.Journal.ProgressInterval,
        SnapshotIntervalTicks = TicksOf(_options.Journal.SnapshotInterval),
        SnapshotRetention = new SnapshotRetention(
            _options.Journal.SnapshotsKept,
            TicksOf(_options.Journal.ReplayMax) / TicksOf(_options.Journal.SnapshotInterval)),
        SnapshotTicksMax = _options.Journal.ReplayMax > TimeSpan.Zero
            ? TicksOf(_options.Journal.ReplayMax)
            : ulong.MaxValue,
        SnapshotWaitMax = _options.Journal.SnapshotWaitMax,
        MemorySumIntervalTicks = TicksOf(_options.Journal.MemorySumInterval),
        LinkTimeout = _options.Rpc.Timeout,
        Migration = _options.Migration.Limits,
        WriteVersion = _options.WriteVersion,
        DrainParallel = _options.Node.DrainParallel,
        GuestMemoryBytesMax = _options.Vm.MemoryBytesAllMax,
        ActivationFailuresMax = _options.Vm.ActivationFailuresMax,
    };

    /// <summary>VM time in ticks: one is one nanosecond.</summary>
    private static ulong TicksOf(TimeSpan vmTime) => (ulong)vmTime.Ticks * TimeSpan.NanosecondsPerTick;
}
