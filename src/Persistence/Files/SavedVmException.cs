// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Files;

/// <summary>A file is no saved VM, or not as it was written. The message says what was expected and what was found at
/// which byte.</summary>
public sealed class SavedVmException(string message, Exception? inner = null) : Exception(message, inner);
