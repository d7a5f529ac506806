// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Persistence.Events;

namespace KvmActors.Actors.Vm;

/// <summary>Clients that wait for the console's next byte.</summary>
internal sealed class ConsoleReaders
{
    /// <summary>Readers of one VM that may wait at a time.</summary>
    public const int WaitingMax = 256;

    private readonly LinkedList<Waiting> _waiting = [];

    public sealed record Waiting(ulong Offset, int BytesMax, ActorRef? Client);

    /// <summary>What a reader gets now; null where it has to wait for the next byte.</summary>
    public static ControlReply? Answer(ConsoleLog console, VmState state, ulong offset, int bytesMax)
    {
        if (offset < console.Start || offset > console.End)
        {
            return new ControlReply.Refused(new Refusal(
                RefusalKind.Invalid,
                $"an offset from {console.Start} to {console.End}, which is what is kept of the console of {state.Vm}",
                $"{offset}",
                "Attach at one of these."));
        }

        bool isComplete = state.Lifecycle is VmLifecycle.Ended or VmLifecycle.Quarantined;
        if (offset == console.End && !isComplete)
        {
            return null;
        }

        byte[] bytes = console.Read(offset, Math.Clamp(bytesMax, 1, ControlRequest.ConsoleReadBytesMax));
        return new ControlReply.ConsoleRead(offset, bytes, isComplete && offset + (ulong)bytes.Length == console.End);
    }

    /// <summary>What a reader gets whose wait is over.</summary>
    public static ControlReply NothingNew(Waiting reader) =>
        new ControlReply.ConsoleRead(reader.Offset, ReadOnlyMemory<byte>.Empty, IsComplete: false);

    /// <returns>Null where too many wait already.</returns>
    public Waiting? Add(ulong offset, int bytesMax, ActorRef? client)
    {
        if (_waiting.Count >= WaitingMax)
        {
            return null;
        }

        Waiting waiting = new(offset, bytesMax, client);
        _waiting.AddLast(waiting);
        return waiting;
    }

    /// <returns>False where it was answered meanwhile.</returns>
    public bool Remove(Waiting waiting)
    {
        for (LinkedListNode<Waiting>? node = _waiting.First; node is not null; node = node.Next)
        {
            if (ReferenceEquals(node.Value, waiting))
            {
                _waiting.Remove(node);
                return true;
            }
        }

        return false;
    }

    /// <summary>Those who can be answered now, with their answers; they no longer wait.</summary>
    public List<(Waiting Reader, ControlReply Reply)> TakeAnswered(ConsoleLog console, VmState state)
    {
        List<(Waiting, ControlReply)> answered = [];
        LinkedListNode<Waiting>? node = _waiting.First;
        while (node is not null)
        {
            LinkedListNode<Waiting>? next = node.Next;
            if (Answer(console, state, node.Value.Offset, node.Value.BytesMax) is { } reply)
            {
                answered.Add((node.Value, reply));
                _waiting.Remove(node);
            }

            node = next;
        }

        return answered;
    }

    /// <summary>All who wait; nobody waits afterwards.</summary>
    public List<Waiting> TakeAll()
    {
        List<Waiting> all = [.. _waiting];
        _waiting.Clear();
        return all;
    }
}
