// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence;

/// <summary>Names one attempt to hand a VM over; a late message of an older attempt does not fit it.</summary>
public readonly record struct MigrationId(string Value)
{
    public override string ToString() => Value;
}
