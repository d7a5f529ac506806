// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence;

namespace KvmActors.TestKit.Simulation;

/// <summary>Every console byte that any node has given to any client. Once released, a byte can never be
/// another.</summary>
public sealed class ReleasedOutput
{
    private readonly ClusterLedger _ledger;
    private readonly VmId _vm;
    private readonly Dictionary<ulong, byte> _released = [];
    private readonly List<byte> _bytes = [];

    internal ReleasedOutput(VmId vm, ClusterLedger ledger)
    {
        _vm = vm;
        _ledger = ledger;
    }

    /// <summary>What was released so far, from the VM's first byte up to the first that was not.</summary>
    public IReadOnlyList<byte> Bytes => _bytes;

    /// <returns>What is wrong: a byte differs from what was released before, or could not be produced again if its node
    /// died now; null where nothing is.</returns>
    internal string? Add(string node, ulong offset, ReadOnlySpan<byte> bytes)
    {
        ulong end = offset + (ulong)bytes.Length;
        ulong durable = _ledger.DurableConsoleBytes(_vm);
        if (end > durable)
        {
            return $"{node} released {end} bytes of {_vm}'s console, and only {durable} are durable.";
        }

        for (int index = 0; index < bytes.Length; index++)
        {
            ulong at = offset + (ulong)index;
            if (!_released.TryAdd(at, bytes[index]) && _released[at] != bytes[index])
            {
                return $"{node} released 0x{bytes[index]:x2} as byte {at} of {_vm}'s console, and before it was "
                    + $"0x{_released[at]:x2}.";
            }
        }

        while (_released.TryGetValue((ulong)_bytes.Count, out byte next))
        {
            _bytes.Add(next);
        }

        return null;
    }

    /// <summary>The store has lost its tail: what was released of it may be another by now.</summary>
    internal void ForgetBehind(ulong bytes)
    {
        foreach (ulong lost in _released.Keys.Where(at => at >= bytes).ToArray())
        {
            _released.Remove(lost);
        }

        int kept = (int)Math.Min(bytes, (ulong)_bytes.Count);
        _bytes.RemoveRange(kept, _bytes.Count - kept);
    }
}
