// SPDX-License-Identifier: Apache-2.0

using System.Globalization;

namespace KvmActors.Torture.Nemesis;

/// <summary>One trouble of a schedule.</summary>
/// <param name="At">After the schedule's beginning.</param>
/// <param name="Length">How long it lasts, where it is taken back.</param>
/// <param name="Node">Its victim.</param>
/// <param name="Other">A second one, where there are two.</param>
internal sealed record TroubleStep(TimeSpan At, TimeSpan Length, TroubleKind Kind, int Node, int Other)
{
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{At.TotalSeconds,7:0.000} {Kind} node-{Node} node-{Other} for {Length.TotalSeconds:0.000}");
}
