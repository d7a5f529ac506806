// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence;

/// <summary>The number of an ownership: 1 at creation, one more at every hand-over or takeover. The fencing
/// token.</summary>
public readonly record struct Epoch(ulong Value)
{
    public static Epoch First => new(1);

    public Epoch Next => new(checked(Value + 1));

    public static bool operator <(Epoch left, Epoch right) => left.Value < right.Value;

    public static bool operator >(Epoch left, Epoch right) => left.Value > right.Value;

    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
