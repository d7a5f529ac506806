// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.TestKit.Simulation;

/// <summary>One call to a <see cref="FaultyStore"/>, and what will go wrong with it.</summary>
internal sealed record StoreCall<T>(Func<ValueTask<T>> Operation, StoreFault Fault);
