// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Journal;

namespace KvmActors.TestKit.Simulation;

/// <summary>One call to a <see cref="FaultyStore"/>, and what will go wrong with it.</summary>
/// <param name="Name">Of the store's method, without its Async.</param>
internal sealed record StoreCall<T>(string Name, Func<ValueTask<T>> Operation, StoreFault Fault)
{
    /// <summary>Set where it is a commit.</summary>
    public StoreTransaction? Transaction { get; init; }
}
