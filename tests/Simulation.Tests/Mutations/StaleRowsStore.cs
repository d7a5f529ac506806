// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence;
using KvmActors.Persistence.Ownership;
using KvmActors.TestKit.Simulation;

namespace KvmActors.Simulation.Tests.Mutations;

/// <summary>Rows read under lock are those that were read first, as long as their migration is named.</summary>
internal sealed class StaleRowsStore(IStore inner) : DelegatingStore(inner)
{
    private readonly Dictionary<MigrationId, IReadOnlyList<StreamRow>> _first = [];

    public override async ValueTask<IReadOnlyList<StreamRow>> ReadLockedAsync(
        VmId vm, CancellationToken cancellationToken)
    {
        IReadOnlyList<StreamRow> rows = await Inner.ReadLockedAsync(vm, cancellationToken);
        MigrationId? last = _first.Keys.Where(known => known.Value.StartsWith($"{vm}-", StringComparison.Ordinal))
            .Cast<MigrationId?>()
            .LastOrDefault();
        if (rows.Count > 0 && rows[0].Migration is { } migration)
        {
            return _first[migration] = rows;
        }

        return last is { } known && rows.Count > 0 && rows[0].Epoch == _first[known][0].Epoch ? _first[known] : rows;
    }
}
