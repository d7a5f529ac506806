// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence;

/// <summary>What is stored is whole, but of a kind or version that this program does not know: it was written by a
/// newer one. Nothing of it may be skipped, so its VM must not be activated here.</summary>
public sealed class JournalFormatException(string message) : Exception(message);
