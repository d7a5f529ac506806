// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Persistence;
using KvmActors.Persistence.Membership;
using KvmActors.TestKit.Simulation.Invariants;

namespace KvmActors.TestKit.Simulation;

/// <summary>A node by its name, through all its lives. Call from the test's own task.</summary>
public sealed class SimulatedNode
{
    /// <summary>Wait between two tries to join.</summary>
    public static readonly TimeSpan JoinAgainAfter = TimeSpan.FromMilliseconds(200);

    private readonly SimulatedCluster _cluster;
    private readonly HostVendor _vendor;
    private readonly CpuidTable _offered;
    private readonly double _clockRate;
    private StoreFaults _storeFaults = StoreFaults.None;
    private bool _isStoreOut;
    private Life? _life;
    private int _lives;

    internal SimulatedNode(
        SimulatedCluster cluster, string name, HostVendor vendor, CpuidTable offered, double clockRate)
    {
        _cluster = cluster;
        _vendor = vendor;
        _offered = offered;
        _clockRate = clockRate;
        Name = name;
    }

    public string Name { get; }

    /// <summary>Where the network knows it.</summary>
    public string Endpoint => $"{Name}:1";

    /// <summary>Its process lives, frozen or not, and has joined.</summary>
    public bool IsUp => _life is { IsJoined: true, Process.IsAlive: true };

    /// <summary>Its process lives.</summary>
    public bool IsAlive => _life is { Process.IsAlive: true };

    public bool IsFrozen => _life is { Process.Executor.IsFrozen: true };

    /// <summary>The node of its present life.</summary>
    /// <exception cref="InvalidOperationException">It was never started.</exception>
    public ClusterNode Node => Current.Node;

    /// <summary>What goes wrong on its way to the store.</summary>
    public StoreFaults StoreFaults
    {
        get => _storeFaults;
        set
        {
            _storeFaults = value;
            ApplyStoreFaults();
        }
    }

    /// <summary>Whether the store is out of its reach.</summary>
    public bool IsStoreOut
    {
        get => _isStoreOut;
        set
        {
            _isStoreOut = value;
            ApplyStoreFaults();
        }
    }

    private Life Current => _life ?? throw new InvalidOperationException($"{Name} was not started: call StartAsync.");

    /// <summary>Begins a new life, and tries to join until it has, or dies.</summary>
    public async Task StartAsync()
    {
        if (IsAlive)
        {
            throw new InvalidOperationException($"{Name} lives: kill it before it is started again.");
        }

        Life life = Begin();
        _life = life;
        while (life.Process.IsAlive)
        {
            RegisterResult? result = await OnNodeAsync<RegisterResult?>(
                life, async () => await life.Node.StartAsync(CancellationToken.None), null);
            if (result is RegisterResult.Registered registered)
            {
                _cluster.Named(registered.Id, life.Process);
                life.IsJoined = true;
                _ = EndWhenDeclaredDeadAsync(life);
                return;
            }

            await _cluster.World.Time.DelayAsync(JoinAgainAfter);
        }
    }

    /// <summary>Asks the cluster through this node, as a client does.</summary>
    /// <returns>Refused where the node is down, dies over it, or gives no answer in time.</returns>
    public async Task<ControlReply> AskAsync(ControlRequest request, TimeSpan timeout)
    {
        if (!IsUp)
        {
            return Unreachable("is down");
        }

        Life life = Current;
        ClientQuestion question = _cluster.Invariants.Asked(Name, request);
        ControlReply reply = await OnNodeAsync(
            life,
            () => life.Node.ControlAsync(request, timeout, CancellationToken.None),
            Unreachable("died over the question"),
            timeout,
            Unreachable($"gave no answer within {timeout}"));
        _cluster.Invariants.Answered(question, reply);
        if (request is ControlRequest.ReadConsole read
            && reply is ControlReply.ConsoleRead console
            && _cluster.Output(read.Vm).Add(life.Node.Id.Value, console.Offset, console.Bytes.Span) is { } wrong)
        {
            _cluster.Invariants.Broke("I5", "what was released is durable, and is never another byte", wrong);
        }

        return reply;
    }

    /// <summary>Whether this node has the VM in service, by what it would tell readers.</summary>
    public bool Runs(VmId vm) => IsUp && Node.HoldsLease && Node.Board.Find(vm) is not null;

    /// <summary>Hands this node a request as the link would.</summary>
    /// <returns>Its reply; null where it made none.</returns>
    public Task<ReadOnlyMemory<byte>?> DeliverAsync(ReadOnlyMemory<byte> request) => OnNodeAsync<ReadOnlyMemory<byte>?>(
        Current, async () => await Current.Node.HandleLinkAsync(request, CancellationToken.None), whenKilled: null);

    /// <summary>Leaves in an orderly way.</summary>
    public async Task StopAsync()
    {
        Life life = Current;
        await OnNodeAsync(
            life,
            async () =>
            {
                await life.Node.StopAsync();
                return true;
            },
            whenKilled: false);
        life.Process.Kill();
    }

    /// <summary>As SIGKILL.</summary>
    public void Kill() => Current.Process.Kill();

    /// <summary>As SIGSTOP.</summary>
    public void Freeze() => Current.Process.Freeze();

    /// <summary>As SIGCONT.</summary>
    public void Thaw() => Current.Process.Thaw();

    private Life Begin()
    {
        SimulatedWorld world = _cluster.World;
        SimulatedProcess process = world.StartProcess($"{Name}.{++_lives}", _clockRate);
        FaultyStore store = new(
            new LedgerStore(_cluster.ServerStore(_cluster, _cluster.Store), _cluster),
            world.Scheduler.Root,
            world.Time,
            world.Random.Fork())
        {
            Client = Name,
            Traps = _cluster.Traps,
        };
        ClusterNodeOptions options = _cluster.Configure(
            new ClusterNodeOptions(Name, Endpoint, _cluster.Enroll(process), _vendor, _offered));
        Life life = new(process, store);
        SimulatedLink link = _cluster.Network.Attach(
            process, Endpoint, async (request, stop) => await life.Node.HandleLinkAsync(request, stop));
        SliceWatch watch = new(vm => _cluster.OnGuestRun(life.Node, vm));
        life.Node = new ClusterNode(options, Services(process, _cluster.NodeStore(_cluster, store), link, watch));
        process.OnKilled(life.Node.Abandon);
        ApplyStoreFaults(life);
        return life;
    }

    private ClusterNodeServices Services(
        SimulatedProcess process, IStore store, SimulatedLink link, SliceWatch watch) => new(
        store,
        process.Clock,
        process.Executor,
        link,
        vm => watch.Watch(vm, new InlineSliceRunner(process.Clock, _cluster.TickNanoseconds)),
        new WatchedGuests(_cluster.Guests, watch),
        _cluster,
        new Reporter(_cluster, process.Name),
        process.ActorOptions.Observer)
        {
            MessagesPerTurn = 1,
            Gate = _cluster.Gates(process.Clock),
        };

    /// <summary>Does something on the node's own executor, which may stop running at any time.</summary>
    private async Task<T> OnNodeAsync<T>(
        Life life, Func<Task<T>> work, T whenKilled, TimeSpan? timeout = null, T? whenLate = default)
    {
        Completion<T> done = new();
        using IDisposable death = life.Process.OnKilled(() => done.TrySet(whenKilled));
        using ITimer? deadline = timeout is null
            ? null
            : _cluster.World.Time.CreateTimer(
                _ => done.TrySet(whenLate!), null, timeout.Value, Timeout.InfiniteTimeSpan);
        _ = life.Process.Executor.Factory.StartNew(async () =>
        {
            try
            {
                done.TrySet(await work());
            }
            catch (StoreUnavailableException)
            {
                done.TrySet(whenKilled);
            }
            catch (Exception failure)
            {
                done.TryFail(failure);
            }
        });
        return await done.WaitAsync();
    }

    /// <summary>As Host does: a node that was declared dead has no use for its process.</summary>
    private static async Task EndWhenDeclaredDeadAsync(Life life)
    {
        await life.Node.DeclaredDead;
        life.Process.Kill();
    }

    private ControlReply.Refused Unreachable(string why) => new(new Refusal(
        RefusalKind.Unavailable, $"an answer of {Name}", $"that it {why}", "Ask another node."));

    internal void ApplyStoreFaults()
    {
        if (_life is not null)
        {
            ApplyStoreFaults(_life);
        }
    }

    private void ApplyStoreFaults(Life life)
    {
        life.Store.Faults = _storeFaults;
        life.Store.IsOut = _isStoreOut || _cluster.IsStoreOut;
    }

    private sealed class Life(SimulatedProcess process, FaultyStore store)
    {
        public SimulatedProcess Process { get; } = process;

        public FaultyStore Store { get; } = store;

        public ClusterNode Node { get; set; } = null!;

        public bool IsJoined { get; set; }
    }

    private sealed class Reporter(SimulatedCluster cluster, string node) : IClusterObserver
    {
        public void On(ClusterEvent happened) => cluster.Report(node, happened);
    }
}
