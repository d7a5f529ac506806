// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Ownership;

namespace KvmActors.Persistence.Journal;

/// <summary>Turns events into the records and the next fence row of one stream: sequence, epoch and hash chain. Pure;
/// use one for one <see cref="StreamWrite"/>.</summary>
/// <example><code>
/// StreamWrite write = new StreamWriteBuilder(row).Add(vmTime, new JournalEvent.InputArrived(bytes)).Build();
/// StreamWrite handOver = new StreamWriteBuilder(row)
///     .Add(vmTime, handedOff).MoveTo(target).Add(vmTime, placed).Build();
/// </code></example>
public sealed class StreamWriteBuilder
{
    private readonly StreamRow? _expected;
    private readonly ImmutableArray<JournalRecord>.Builder _records = ImmutableArray.CreateBuilder<JournalRecord>();
    private StreamRow _next;

    /// <summary>Appends to, or changes, a stream that is there.</summary>
    public StreamWriteBuilder(StreamRow expected)
    {
        ArgumentNullException.ThrowIfNull(expected);
        _expected = expected;
        _next = expected;
    }

    private StreamWriteBuilder(StreamId stream, NodeId owner)
    {
        _next = new StreamRow(
            stream,
            owner,
            Epoch.First,
            StreamRowState.Owned,
            HeadSeq: 0,
            HeadHash: Digest.Zero,
            SnapshotId: 0,
            Migration: null,
            Target: null,
            FailCount: 0,
            OutputReleased: 0);
    }

    /// <summary>The row as it will be after what was added so far.</summary>
    public StreamRow Next => _next;

    /// <summary>A new stream: epoch 1, owned by <paramref name="owner"/>, no record yet.</summary>
    public static StreamWriteBuilder Create(StreamId stream, NodeId owner) => new(stream, owner);

    /// <summary>Appends one event under the epoch the row has by now.</summary>
    /// <param name="vmTime">In ticks.</param>
    /// <param name="command">The command that caused it, where one did.</param>
    public StreamWriteBuilder Add(ulong vmTime, JournalEvent journalEvent, CommandId? command = null)
    {
        EncodedEvent encoded = EventCodec.Encode(journalEvent);
        var record = new JournalRecord(
            _next.Stream,
            _next.HeadSeq + 1,
            _next.Epoch,
            encoded.Kind,
            encoded.Version,
            vmTime,
            command,
            encoded.Payload,
            Digest.Zero);
        record = record with { Hash = HashChain.Next(_next.HeadHash, record) };
        _records.Add(record);
        _next = _next with { HeadSeq = record.Seq, HeadHash = record.Hash };
        return this;
    }

    /// <summary>Gives the stream to <paramref name="owner"/> under the next epoch: a hand-over or a takeover. Ends a
    /// move that was under way.</summary>
    public StreamWriteBuilder MoveTo(NodeId owner)
    {
        _next = _next with
        {
            Owner = owner,
            Epoch = _next.Epoch.Next,
            State = StreamRowState.Owned,
            Migration = null,
            Target = null,
        };
        return this;
    }

    /// <summary>Marks a planned move as begun; the owner still appends.</summary>
    public StreamWriteBuilder BeginMove(MigrationId migration, NodeId target)
    {
        _next = _next with { State = StreamRowState.Moving, Migration = migration, Target = target };
        return this;
    }

    /// <summary>Ends a planned move on the side of the source.</summary>
    public StreamWriteBuilder AbortMove()
    {
        _next = _next with { State = StreamRowState.Owned, Migration = null, Target = null };
        return this;
    }

    /// <summary>Out of service: nobody owns it until it is released.</summary>
    public StreamWriteBuilder Quarantine()
    {
        _next = _next with { Owner = null, State = StreamRowState.Quarantined, Migration = null, Target = null };
        return this;
    }

    /// <summary>Ends a quarantine: any node that fits may claim the stream.</summary>
    public StreamWriteBuilder Release()
    {
        _next = _next with { State = StreamRowState.Owned };
        return this;
    }

    /// <summary>Names the VM's latest snapshot.</summary>
    public StreamWriteBuilder Snapshot(ulong snapshotId)
    {
        _next = _next with { SnapshotId = snapshotId };
        return this;
    }

    public StreamWriteBuilder FailCount(int failCount)
    {
        _next = _next with { FailCount = failCount };
        return this;
    }

    /// <summary>Saves how many console bytes were given to clients.</summary>
    public StreamWriteBuilder OutputReleased(ulong consoleBytes)
    {
        _next = _next with { OutputReleased = consoleBytes };
        return this;
    }

    public StreamWrite Build() => new(_expected, _next, _records.ToImmutable());
}
