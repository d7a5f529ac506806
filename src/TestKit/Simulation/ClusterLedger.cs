// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;

namespace KvmActors.TestKit.Simulation;

/// <summary>Keeps books beside the store on every commit that took effect, and finds what must never be: a write under
/// an old epoch or by a node that does not own the stream, a gap, a broken chain, a command that was applied
/// twice.</summary>
/// <remarks>It computes all that by itself and asks the store for nothing: a store that fences badly is found
/// too.</remarks>
public sealed class ClusterLedger
{
    private readonly SortedDictionary<StreamId, StreamRow> _rows = [];
    private readonly Dictionary<StreamId, List<JournalRecord>> _records = [];
    private readonly Dictionary<CommandId, int> _commands = [];
    private readonly Dictionary<VmId, ulong> _durableConsole = [];
    private string? _violation;

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

    /// <returns>In how many commits this command took effect.</returns>
    public int TimesApplied(CommandId command) => _commands.GetValueOrDefault(command);

    /// <returns>Console bytes of a VM that the journal can produce again.</returns>
    public ulong DurableConsoleBytes(VmId vm) => _durableConsole.GetValueOrDefault(vm);

    /// <exception cref="InvalidOperationException">Something happened that must never happen.</exception>
    public void ThrowIfBroken()
    {
        if (_violation is not null)
        {
            throw new InvalidOperationException(_violation);
        }
    }

    internal void Enter(NodeId? writer, StoreTransaction transaction)
    {
        Commits++;
        foreach (StreamWrite write in transaction.Writes)
        {
            _violation ??= WhatIsWrong(writer, write);
            Moves += _rows.TryGetValue(write.Next.Stream, out StreamRow? before) && before.Epoch != write.Next.Epoch
                && write.Next.Stream.VcpuIndex < 0 ? 1 : 0;
            _rows[write.Next.Stream] = write.Next;
            EnterRecords(write);
        }

        if (transaction.Dedup is { } dedup)
        {
            int times = _commands[dedup.Command] = TimesApplied(dedup.Command) + 1;
            _violation ??= times > 1 ? $"Command {dedup.Command} was applied {times} times." : null;
        }
    }

    /// <summary>A VM is deleted.</summary>
    internal void Forget(IReadOnlyList<StreamRow> rows)
    {
        foreach (StreamRow row in rows)
        {
            _rows.Remove(row.Stream);
            _records.Remove(row.Stream);
            _durableConsole.Remove(row.Stream.Vm);
        }
    }

    private string? WhatIsWrong(NodeId? writer, StreamWrite write)
    {
        StreamRow next = write.Next;
        if (!_rows.TryGetValue(next.Stream, out StreamRow? before))
        {
            return next.Epoch == Epoch.First && next.Owner == writer
                ? WrongChain(write, 0, Digest.Zero)
                : $"{next.Stream} was created by {writer} for {next.Owner} under epoch {next.Epoch}.";
        }

        bool isByOwner = before.Owner == writer && next.Owner == writer && next.Epoch == before.Epoch;
        bool isQuarantine = before.Owner == writer && next.Owner is null && next.State == StreamRowState.Quarantined;
        bool isRelease = before.State == StreamRowState.Quarantined && next.Owner is null;
        bool isTakeover = next.Owner == writer && next.Epoch == before.Epoch.Next;
        if (!isByOwner && !isTakeover && !isQuarantine && !isRelease)
        {
            return $"{writer} wrote to {next.Stream}, which {before.Owner} owns under epoch {before.Epoch}, "
                + $"and left it to {next.Owner} under epoch {next.Epoch}.";
        }

        JournalRecord? stale = write.Records.FirstOrDefault(
            record => record.Epoch < before.Epoch || next.Epoch < record.Epoch);
        return stale is not null
            ? $"A record of {next.Stream} under epoch {stale.Epoch} was written while it was {before.Epoch}."
            : WrongChain(write, before.HeadSeq, before.HeadHash);
    }

    private static string? WrongChain(StreamWrite write, ulong seq, Digest hash)
    {
        foreach (JournalRecord record in write.Records)
        {
            if (record.Seq != seq + 1 || record.Hash != HashChain.Next(hash, record))
            {
                return $"Record {record.Seq} of {record.Stream} does not follow record {seq}.";
            }

            (seq, hash) = (record.Seq, record.Hash);
        }

        return write.Next.HeadSeq == seq && write.Next.HeadHash == hash
            ? null
            : $"The row of {write.Next.Stream} says {write.Next.HeadSeq}, and its last record is {seq}.";
    }

    private void EnterRecords(StreamWrite write)
    {
        if (!_records.TryGetValue(write.Next.Stream, out List<JournalRecord>? records))
        {
            _records[write.Next.Stream] = records = [];
        }

        records.AddRange(write.Records);
        foreach (JournalRecord record in write.Records.Where(record => record.Kind == EventKind.Progress))
        {
            var progress = (JournalEvent.Progress)EventCodec.Decode(record);
            _durableConsole[record.Stream.Vm] = progress.ConsoleBytes;
        }
    }
}
