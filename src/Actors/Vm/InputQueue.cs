// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Persistence;

namespace KvmActors.Actors.Vm;

/// <summary>What was typed and waits for a slice, in the order in which it came, and what the running slice has taken.
/// Owned by one <see cref="VmSession"/>.</summary>
internal sealed class InputQueue
{
    /// <summary>Inputs that may wait.</summary>
    public const int InputsMax = 64;

    private readonly Queue<PendingInput> _waiting = [];
    private PendingInput? _entered;

    public bool IsEmpty => _waiting.Count == 0;

    /// <returns>False where too many wait already.</returns>
    public bool TryAdd(PendingInput input)
    {
        if (_waiting.Count >= InputsMax)
        {
            return false;
        }

        _waiting.Enqueue(input);
        return true;
    }

    /// <summary>The next one enters a slice, if its guest has room for it.</summary>
    /// <returns>Its bytes; none where nothing enters.</returns>
    public ImmutableArray<byte> Enter(int roomBytes)
    {
        if (!_waiting.TryPeek(out PendingInput? next) || next.Bytes.Length > roomBytes)
        {
            return [];
        }

        _entered = _waiting.Dequeue();
        return _entered.Bytes;
    }

    /// <returns>What the slice that has ended had taken.</returns>
    public PendingInput? TakeEntered()
    {
        PendingInput? entered = _entered;
        _entered = null;
        return entered;
    }

    /// <returns>The inputs that no slice has taken; they wait no longer.</returns>
    public ImmutableArray<PendingInput> TakeWaiting()
    {
        ImmutableArray<PendingInput> waiting = [.. _waiting];
        _waiting.Clear();
        return waiting;
    }

    public bool Contains(CommandId input) =>
        _entered?.Command == input || _waiting.Any(waiting => waiting.Command == input);
}
