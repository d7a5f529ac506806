// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine.Hashing;

/// <summary>The sum of a guest's memory as it was when it was captured, computed when it is asked for: the guest may
/// run on meanwhile.</summary>
public sealed class PendingMemorySum
{
    private readonly Func<MemorySum> _complete;

    /// <param name="complete">Gives the same sum each time; any thread.</param>
    public PendingMemorySum(Func<MemorySum> complete) => _complete = complete;

    /// <summary>Computes the sum, or gives the one computed before. Any thread.</summary>
    public MemorySum Complete() => _complete();
}
