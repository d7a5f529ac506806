// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence;

/// <summary>What is stored is not what was written. The message names the place, what was expected and what was
/// found.</summary>
public sealed class StoreCorruptException(string message, Exception? inner = null) : Exception(message, inner);
