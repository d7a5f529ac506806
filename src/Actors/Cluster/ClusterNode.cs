// SPDX-License-Identifier: Apache-2.0

using Google.Protobuf;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Migration;
using KvmActors.Actors.Vm;
using KvmActors.Actors.Wire;
using KvmActors.Cpu.Cpuid.Formats;
using KvmActors.Persistence;
using KvmActors.Persistence.Membership;

namespace KvmActors.Actors.Cluster;

/// <summary>One node of a cluster: joins, runs VMs, watches its peers and takes over from them. Host puts sockets and a
/// clock around it, a simulation puts a seed around several of them.</summary>
/// <remarks>Any thread. Call <see cref="StartAsync"/> first, once.</remarks>
public sealed class ClusterNode : IAsyncDisposable
{
    private static readonly TimeSpan s_stopMax = TimeSpan.FromSeconds(30);

    private readonly ClusterNodeOptions _options;
    private readonly ClusterNodeServices _given;
    private readonly LeaseGate _gate;
    private readonly TaskCompletionSource _declaredDead = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ActorSystem? _system;
    private VmServices? _services;
    private ActorRef? _host;
    private ControlRouter? _router;
    private NodeDrain? _drain;
    private readonly CancellationTokenSource _drainStop = new();
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ClusterNode(ClusterNodeOptions options, ClusterNodeServices services)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(services);
        _options = options;
        _given = services;
        _gate = services.Gate ?? new LeaseGate(services.Clock);
    }

    /// <summary>This life of the node.</summary>
    /// <exception cref="InvalidOperationException">It has not joined.</exception>
    public NodeId Id => Services.Self;

    /// <summary>The VMs that this node runs.</summary>
    public StatusBoard Board { get; } = new();

    /// <summary>Whether this node's lease holds. Closed: its guests stand still and it answers nothing.</summary>
    public bool HoldsLease => _gate.IsOpen;

    /// <summary>Completes when peers have declared this node dead: its process should end.</summary>
    public Task DeclaredDead => _declaredDead.Task;

    /// <summary>Completes when a client has asked this node to drain and nothing is left: its process should leave with
    /// <see cref="StopAsync"/>.</summary>
    public Task Drained => _drained.Task;

    private VmServices Services =>
        _services ?? throw new InvalidOperationException("The node has not joined: call StartAsync first.");

    /// <summary>Joins the cluster.</summary>
    /// <returns>Refused where a live node has this name; then the node is not started and may try again.</returns>
    /// <exception cref="StoreUnavailableException">The store gave no answer.</exception>
    /// <exception cref="PeerVersionException">A peer does not read what this node writes, or the other way
    /// round.</exception>
    public async Task<RegisterResult> StartAsync(CancellationToken cancellationToken)
    {
        NodeRegistration registration = new(
            _options.Name,
            _options.Endpoint,
            _options.ProcessId,
            _options.HostVendor,
            _options.Lease,
            CpuidJson.Write(_options.OfferedCpuid));
        await PeerVersions.CheckAsync(_options, _given, cancellationToken);
        long sentAt = _given.Clock.GetTimestamp();
        RegisterResult result = await _given.Store.RegisterAsync(registration, cancellationToken);
        if (result is RegisterResult.Registered registered)
        {
            _gate.Renewed(sentAt, _options.Lease);
            Start(registered.Id);
            _given.Observer.On(new ClusterEvent.NodeJoined(registered.Id));
        }

        return result;
    }

    /// <summary>Does what a client asks, here or on the node that owns the VM.</summary>
    /// <param name="timeout">Longest wait for the answer. A move needs as long as it takes to copy the guest's
    /// memory.</param>
    /// <returns>Never <see cref="ControlReply.NotOwner"/>.</returns>
    /// <exception cref="OperationCanceledException">The client gave up. What it asked for may still be
    /// done.</exception>
    public Task<ControlReply> ControlAsync(
        ControlRequest request, TimeSpan timeout, CancellationToken cancellationToken) =>
        Router.AnswerAsync(request, timeout, cancellationToken);

    /// <inheritdoc cref="HandleLinkAsync(ReadOnlyMemory{byte}, string?, CancellationToken)"/>
    public Task<ReadOnlyMemory<byte>> HandleLinkAsync(
        ReadOnlyMemory<byte> request, CancellationToken cancellationToken) =>
        HandleLinkAsync(request, peerName: null, cancellationToken);

    /// <summary>Answers a request of a peer.</summary>
    /// <param name="request">A <c>LinkRequest</c> of <c>link.proto</c>. Not kept.</param>
    /// <param name="peerName">Name of the node that proved to have sent it; null where the link proves nothing.</param>
    /// <exception cref="InvalidDataException">It is none, or of an unknown version.</exception>
    /// <exception cref="UnauthorizedAccessException">It speaks for another node than the one that sent it.</exception>
    public async Task<ReadOnlyMemory<byte>> HandleLinkAsync(
        ReadOnlyMemory<byte> request, string? peerName, CancellationToken cancellationToken)
    {
        LinkRequest parsed = RequestBytes.Parse(request, out ReadOnlyMemory<byte> pages);
        PeerVersions.CheckRequest(parsed);
        if (parsed.Hello is not null)
        {
            return new LinkReply { Hello = PeerVersions.Hello(_options) }.ToByteArray();
        }

        // The pages are not copied, and the actor that puts them may outlive the call.
        using PageLoan loan = new();
        if (MigrationWire.From(parsed, pages, loan) is not { } migration)
        {
            return new LinkReply { Control = await AnswerAsync(parsed, cancellationToken) }.ToByteArray();
        }

        if (peerName is not null && peerName != migration.Key.Source.Name)
        {
            throw new UnauthorizedAccessException(
                $"Expected {peerName} to move its own VMs, found a message of a move from {migration.Key.Source}. "
                + "Each node needs its own certificate and name.");
        }

        LinkReply reply = new()
        {
            Migration = MigrationWire.Of(await MigrateAsync(migration, cancellationToken)),
        };
        return reply.ToByteArray();
    }

    /// <summary>Takes no VM any more, and moves away what it owns.</summary>
    /// <returns>As far as it is when nothing is left that can be moved now, or the token ended it.</returns>
    public async Task<DrainStatus> DrainAsync(CancellationToken cancellationToken)
    {
        NodeDrain drain = _drain ?? throw new InvalidOperationException(
            "The node has not joined: call StartAsync first.");
        try
        {
            // Begun on the executor of the actors, as all that talks to them.
            await Task.Factory.StartNew(
                () => drain.RunAsync(cancellationToken),
                cancellationToken,
                TaskCreationOptions.DenyChildAttach,
                _given.Executor).Unwrap().WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // It has had its time.
        }
        catch (StoreUnavailableException failure)
        {
            _given.Observer.On(new ClusterEvent.StoreTrouble("drain", failure.Message));
        }

        return drain.Status;
    }

    /// <summary>Leaves in an orderly way: settles every guest, then lets peers take them over at once.</summary>
    public async Task StopAsync()
    {
        if (_system is null)
        {
            return;
        }

        _drainStop.Cancel();
        _ = await _host!.TryAsk<VmHostMessage.Retired>(new VmHostMessage.Retire(), s_stopMax, Lane.Control);
        await _system.ShutdownAsync(s_stopMax);
        _gate.Close();
        try
        {
            // No guest of this node runs any more, so nothing speaks against an immediate takeover.
            await _given.Store.LeaveAsync(Services.Self, CancellationToken.None);
        }
        catch (StoreUnavailableException)
        {
            // Then the lease runs out by itself.
        }
    }

    /// <summary>Ends at once, as if the process had been killed. For simulated crashes.</summary>
    public void Abandon()
    {
        _gate.Close();
        _drainStop.Cancel();
        _system?.Abandon();
    }

    public async ValueTask DisposeAsync()
    {
        _gate.Close();
        _drainStop.Cancel();
        if (_system is not null)
        {
            await _system.DisposeAsync();
        }
    }

    private ControlRouter Router =>
        _router ?? throw new InvalidOperationException("The node has not joined: call StartAsync first.");

    private void Start(NodeId id)
    {
        FencedWriter writer = new(_given.Store, _given.Clock, _options.StoreRetryAfter);
        _services = new VmServices(
            id,
            _options,
            _given.Store,
            writer,
            _given.Clock,
            _gate,
            _given.Guests,
            _given.Runners,
            _given.Link,
            _given.Observer,
            Board,
            new NodeMode());
        _system = new ActorSystem(
            id.Value,
            new ActorSystemOptions(_given.Executor, _given.Clock)
            {
                Observer = _given.KernelObserver,
                MessagesPerTurn = _given.MessagesPerTurn,
            });
        _host = _system.Spawn("vms", Props.Of(() => new VmHostActor(_services)));
        _system.Spawn(
            "membership", Props.Of(() => new MembershipActor(_services, _host, () => _declaredDead.TrySetResult())));
        _system.Spawn("failures", Props.Of(() => new FailureActor(_services, _given.DeathProbe, _host)));
        _router = new ControlRouter(_services, _host);
        _drain = new NodeDrain(_services, _router, () => _drained.TrySetResult(), _drainStop.Token);
        _router.Drain = _drain.AnswerAsync;
    }

    private async Task<ControlAnswer> AnswerAsync(LinkRequest request, CancellationToken cancellationToken)
    {
        if (request.Control is null)
        {
            throw ControlWire.Unknown("link request");
        }

        ControlRequest control = ControlWire.From(request.Control);
        return ControlWire.Of(await Router.AnswerHereAsync(control, cancellationToken));
    }

    private async Task<Migration.MigrationAnswer> MigrateAsync(
        MigrationMessage message, CancellationToken cancellationToken)
    {
        AskResult<Migration.MigrationAnswer> answer = await _host!.TryAsk<Migration.MigrationAnswer>(
            new VmHostMessage.Migrate(message), _options.LinkTimeout, Lane.User, cancellationToken);
        return answer is AskResult<Migration.MigrationAnswer>.Answered answered
            ? answered.Value
            : new Migration.MigrationAnswer.Refused(new Refusal(
                RefusalKind.Unavailable,
                $"{Services.Self} to take part in migration {message.Key.Migration}",
                answer.GetType().Name,
                "Start the move again."));
    }
}
