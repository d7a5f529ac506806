// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Persistence;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Membership;

namespace KvmActors.TestKit.Simulation.Invariants;

/// <summary>All invariants of a cluster. The first that breaks ends the run.</summary>
internal sealed class InvariantSet
{
    private readonly Invariant[] _all;
    private readonly FreshReadsInvariant _reads;
    private readonly SimulatedCluster _cluster;
    private (Invariant Invariant, string How)? _broken;

    public InvariantSet(SimulatedCluster cluster)
    {
        _cluster = cluster;
        _reads = new FreshReadsInvariant(cluster.Ledger);
        _all =
        [
            new ActorsLiveInvariant(),
            new JournalInvariant(cluster.Ledger),
            new DurableAnswersInvariant(cluster.Ledger),
            new CommandsOnceInvariant(cluster.Ledger),
            new StatesInvariant(cluster.Ledger, cluster.Guests),
            new OneExecutorInvariant(cluster.Ledger, cluster.World.Time),
            _reads,
            new OldEpochsInvariant(cluster.Ledger),
            new InputOrderInvariant(),
            new MembershipInvariant(cluster),
            new ProgressInvariant(cluster),
        ];
        foreach (Invariant invariant in _all)
        {
            invariant.WhenBroken = (which, how) => _broken ??= (which, how);
        }
    }

    /// <exception cref="InvariantException">One does not hold.</exception>
    public void ThrowIfBroken()
    {
        foreach (Invariant invariant in _all)
        {
            invariant.OnStep();
        }

        if (_broken is { } broken)
        {
            throw new InvariantException(broken.Invariant.Number, broken.Invariant.Sentence, broken.How);
        }
    }

    public ClientQuestion Asked(string node, ControlRequest request)
    {
        Each(invariant => invariant.OnQuestion(request));
        return request is ControlRequest.ShowVm show
            ? new ClientQuestion(node, request, _cluster.Ledger.Row(show.Vm.Stream)?.Epoch, _reads.Known(show.Vm))
            : new ClientQuestion(node, request, EpochAtLeast: null, DurableAtLeast: 0);
    }

    public void Answered(ClientQuestion question, ControlReply reply) =>
        Each(invariant => invariant.OnAnswer(question, reply));

    public void Committed(NodeId? writer, StoreTransaction transaction) =>
        Each(invariant => invariant.OnCommit(writer, transaction));

    public void Deleted(VmId vm, CommandId command) => Each(invariant => invariant.OnDeleted(vm, command));

    public void TailLost() => Each(static invariant => invariant.OnTailLost());

    public void Joined(NodeId node) => Each(invariant => invariant.OnJoined(node));

    public void Renewed(NodeId node) => Each(invariant => invariant.OnRenewed(node));

    public void Died(NodeId node, DeathEvidence? evidence) => Each(invariant => invariant.OnDied(node, evidence));

    public void GuestRuns(NodeId node, VmId vm) => Each(invariant => invariant.OnGuestRun(node, vm));

    public void Reported(string node, ClusterEvent happened) => Each(invariant => invariant.OnEvent(node, happened));

    /// <summary>For what a client finds by itself.</summary>
    public void Broke(string number, string sentence, string how) =>
        _broken ??= (new FoundByClient(number, sentence), how);

    private void Each(Action<Invariant> show)
    {
        foreach (Invariant invariant in _all)
        {
            try
            {
                show(invariant);
            }
            catch (Exception failure)
            {
                // The store that shows it would take it for its own failure.
                _broken ??= (invariant, $"It could not be judged: {failure}");
            }
        }
    }

    private sealed class FoundByClient(string number, string sentence) : Invariant(number, sentence);
}
