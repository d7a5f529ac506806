// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Persistence;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Membership;

namespace KvmActors.TestKit.Simulation.Invariants;

/// <summary>Something that must always hold in a <see cref="SimulatedCluster"/>. It is shown everything that happens,
/// as it happens, and remembers what it needs; so that a check after every step costs nothing.</summary>
/// <param name="number">As in the specification: "I1".</param>
/// <param name="sentence">What must hold.</param>
public abstract class Invariant(string number, string sentence)
{
    public string Number { get; } = number;

    public string Sentence { get; } = sentence;

    internal Action<Invariant, string>? WhenBroken { get; set; }

    /// <summary>A transaction has taken effect; the ledger does not have it yet.</summary>
    /// <param name="writer">This life of a node; null where it never joined.</param>
    public virtual void OnCommit(NodeId? writer, StoreTransaction transaction)
    {
    }

    /// <summary>A command has deleted a VM; the ledger does not have it yet.</summary>
    public virtual void OnDeleted(VmId vm, CommandId command)
    {
    }

    /// <summary>The store has lost what came behind a moment in the past.</summary>
    public virtual void OnTailLost()
    {
    }

    public virtual void OnJoined(NodeId node)
    {
    }

    public virtual void OnRenewed(NodeId node)
    {
    }

    /// <summary>A node was declared dead that was not before.</summary>
    /// <param name="evidence">Null: by its successor, which has joined under its name.</param>
    public virtual void OnDied(NodeId node, DeathEvidence? evidence)
    {
    }

    /// <summary>A node runs the guest of a VM that it has in service.</summary>
    public virtual void OnGuestRun(NodeId node, VmId vm)
    {
    }

    /// <summary>A client asks.</summary>
    public virtual void OnQuestion(ControlRequest request)
    {
    }

    /// <summary>A step is over. Called after every one, so it must cost next to nothing.</summary>
    public virtual void OnStep()
    {
    }

    /// <summary>A client has its answer.</summary>
    public virtual void OnAnswer(ClientQuestion question, ControlReply reply)
    {
    }

    /// <summary>A node has reported something.</summary>
    public virtual void OnEvent(string node, ClusterEvent happened)
    {
    }

    /// <summary>It does not hold.</summary>
    protected void Break(string how) => WhenBroken?.Invoke(this, how);
}
