// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Persistence.Snapshots;

/// <summary>Which snapshots of a VM stay when a new one is durable. Pure.</summary>
/// <remarks>The first one always stays: without it nothing of the VM could be replayed. Ids count the instructions
/// between snapshots, so that a rest, which costs a replay nothing, keeps none alive.</remarks>
/// <param name="Latest">The latest that stay, at least 1.</param>
/// <param name="Spacing">Of the older ones so many stay that any moment between two of them is at most this many
/// snapshots of replay behind the earlier one; 0: none of them.</param>
public sealed record SnapshotRetention(int Latest, ulong Spacing)
{
    /// <param name="ids">Of one VM, ascending.</param>
    /// <returns>Those that need not stay, ascending.</returns>
    public ImmutableArray<ulong> Dropped(IReadOnlyList<ulong> ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        ImmutableArray<ulong>.Builder dropped = ImmutableArray.CreateBuilder<ulong>();
        int older = ids.Count - Math.Max(Latest, 1);
        ulong kept = ids.Count > 0 ? ids[0] : 0;
        for (int i = 1; i < older; i++)
        {
            if (Spacing == 0 || ids[i + 1] - kept <= Spacing)
            {
                dropped.Add(ids[i]);
            }
            else
            {
                kept = ids[i];
            }
        }

        return dropped.DrainToImmutable();
    }
}
