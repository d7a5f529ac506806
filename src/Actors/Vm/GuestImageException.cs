// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Vm;

/// <summary>A boot image that cannot be booted; the message says what was expected and what was found.</summary>
public sealed class GuestImageException(string message, Exception? inner = null) : Exception(message, inner);
