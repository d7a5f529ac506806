// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;

namespace KvmActors.TestKit.Simulation;

/// <summary>Keeps books beside the store on all that took effect, which the invariants are checked against.</summary>
/// <remarks>It asks the store for nothing: a store that fences badly is found too.</remarks>
public sealed class ClusterLedger
{
    private readonly SortedDictionary<StreamId, StreamRow> _rows = [];
    private readonly Dictionary<StreamId, List<JournalRecord>> _records = [];
    private readonly Dictionary<CommandId, int> _commands = [];
    private readonly Dictionary<CommandId, (Epoch Epoch, ulong VmTime)> _effects = [];
    private readonly Dictionary<VmId, ulong> _durableConsole = [];
    private readonly Dictionary<VmId, ulong> _lastVmTimes = [];
    private readonly Dictionary<NodeId, Membership> _nodes = [];

    internal ClusterLedger()
    {
    }

    /// <summary>Commits that took effect.</summary>
    public long Commits { get; private set; }

    /// <summary>Changes of owner.</summary>
    public long Moves { get; private set; }

    /// <returns>The fence row as the last commit left it; null before its creation.</returns>
    public StreamRow? Row(StreamId stream) => _rows.GetValueOrDefault(stream);

    public IReadOnlyList<JournalRecord> Records(StreamId stream) => _records.GetValueOrDefault(stream, []);

    /// <returns>Of all streams of a VM.</returns>
    public ImmutableArray<JournalRecord> RecordsOf(VmId vm) =>
        [.. _rows.Keys.Where(stream => stream.Vm == vm).SelectMany(Records)];

    /// <returns>In how many commits this command took effect.</returns>
    public int TimesApplied(CommandId command) => _commands.GetValueOrDefault(command);

    /// <returns>Console bytes of a VM that the journal can produce again.</returns>
    public ulong DurableConsoleBytes(VmId vm) => _durableConsole.GetValueOrDefault(vm);

    /// <returns>Epoch and VM time at which a command that changed something took effect; null where it did
    /// not.</returns>
    public (Epoch Epoch, ulong VmTime)? EffectOf(CommandId command) =>
        _effects.TryGetValue(command, out (Epoch, ulong) effect) ? effect : null;

    /// <returns>Whether this life of a node was declared dead.</returns>
    public bool IsDead(NodeId node) => _nodes.TryGetValue(node, out Membership? known) && known.IsDead;

    /// <returns>Until when the store holds the lease of a node, in virtual time; null where it never joined.</returns>
    public TimeSpan? LeaseUntil(NodeId node) => _nodes.GetValueOrDefault(node)?.LeaseUntil;

    /// <returns>Length of its last lease; null where it never joined.</returns>
    public TimeSpan? LeaseOf(NodeId node) => _nodes.GetValueOrDefault(node)?.Lease;

    /// <returns>VM time of the last record of any stream of a VM.</returns>
    public ulong LastVmTime(VmId vm) => _lastVmTimes.GetValueOrDefault(vm);

    internal void Enter(StoreTransaction transaction)
    {
        Commits++;
        foreach (StreamWrite write in transaction.Writes)
        {
            Moves += _rows.TryGetValue(write.Next.Stream, out StreamRow? before) && before.Epoch != write.Next.Epoch
                && write.Next.Stream.VcpuIndex < 0 ? 1 : 0;
            _rows[write.Next.Stream] = write.Next;
            EnterRecords(write);
        }

        if (transaction.Dedup is { } dedup)
        {
            _commands[dedup.Command] = TimesApplied(dedup.Command) + 1;
            _effects[dedup.Command] = (transaction.Writes[0].Next.Epoch, LastVmTime(transaction.Vm));
        }
    }

    /// <summary>A command has deleted a VM.</summary>
    internal void Delete(IReadOnlyList<StreamRow> rows, CommandId command)
    {
        _commands[command] = TimesApplied(command) + 1;
        Forget(rows);
    }

    private void Forget(IReadOnlyList<StreamRow> rows)
    {
        foreach (StreamRow row in rows)
        {
            _rows.Remove(row.Stream);
            _records.Remove(row.Stream);
            _durableConsole.Remove(row.Stream.Vm);
            _lastVmTimes.Remove(row.Stream.Vm);
        }
    }

    internal void Renewed(NodeId node, TimeSpan lease, TimeSpan now) =>
        _nodes[node] = new Membership(now + lease, lease, IsDead: false);

    internal void Died(NodeId node)
    {
        if (_nodes.TryGetValue(node, out Membership? known))
        {
            _nodes[node] = known with { IsDead = true };
        }
    }

    /// <returns>The lives of a node's name that are not dead.</returns>
    internal IReadOnlyList<NodeId> AliveNamesakes(NodeId of) =>
        [.. _nodes.Where(node => !node.Value.IsDead && node.Key != of && node.Key.Name == of.Name).Select(n => n.Key)];

    internal bool Knows(NodeId node) => _nodes.ContainsKey(node);

    /// <summary>The store has forgotten what came behind these rows.</summary>
    internal void GoBackTo(IReadOnlyList<StreamRow> rows)
    {
        foreach (StreamId stream in _rows.Keys.Where(known => rows.All(row => row.Stream != known)).ToArray())
        {
            Forget([_rows[stream]]);
        }

        foreach (StreamRow row in rows)
        {
            _rows[row.Stream] = row;
            _records[row.Stream].RemoveAll(record => record.Seq > row.HeadSeq);
        }

        HashSet<CommandId> kept =
            [.. _records.Values.SelectMany(records => records).Select(record => record.Command).OfType<CommandId>()];
        foreach (CommandId lost in _commands.Keys.Where(command => !kept.Contains(command)).ToArray())
        {
            _commands.Remove(lost);
            _effects.Remove(lost);
        }

        foreach (VmId vm in rows.Select(row => row.Stream.Vm).Distinct())
        {
            _lastVmTimes[vm] = rows.Where(row => row.Stream.Vm == vm)
                .SelectMany(row => _records[row.Stream])
                .Max(record => record.VmTime);
            JournalRecord? last = _records[vm.Stream].FindLast(record => record.Kind == EventKind.Progress);
            _durableConsole[vm] = last is null ? 0 : ((JournalEvent.Progress)EventCodec.Decode(last)).ConsoleBytes;
        }
    }

    private void EnterRecords(StreamWrite write)
    {
        if (!_records.TryGetValue(write.Next.Stream, out List<JournalRecord>? records))
        {
            _records[write.Next.Stream] = records = [];
        }

        records.AddRange(write.Records);
        foreach (JournalRecord record in write.Records)
        {
            VmId vm = record.Stream.Vm;
            _lastVmTimes[vm] = Math.Max(LastVmTime(vm), record.VmTime);
            if (record.Kind == EventKind.Progress)
            {
                _durableConsole[vm] = ((JournalEvent.Progress)EventCodec.Decode(record)).ConsoleBytes;
            }
        }
    }

    private sealed record Membership(TimeSpan LeaseUntil, TimeSpan Lease, bool IsDead);
}
