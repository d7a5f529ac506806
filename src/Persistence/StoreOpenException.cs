// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence;

/// <summary>What was named as a store is not there, is none, or is of another version. The message says what was
/// expected, what was found and what to do.</summary>
public sealed class StoreOpenException(string message, Exception? inner = null) : Exception(message, inner);
