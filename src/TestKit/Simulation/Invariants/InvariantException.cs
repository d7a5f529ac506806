// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.TestKit.Simulation.Invariants;

/// <summary>An invariant does not hold.</summary>
/// <param name="number">As in the specification: "I1".</param>
public sealed class InvariantException(string number, string sentence, string how)
    : Exception($"{number}: {sentence}. {how}")
{
    public string Number { get; } = number;
}
