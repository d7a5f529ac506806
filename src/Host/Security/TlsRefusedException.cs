// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Security;

/// <summary>A connection that this side ended before anything was sent, because of what the other side is.</summary>
/// <param name="reason">Sentences for people.</param>
internal sealed class TlsRefusedException(string reason, Exception? inner = null) : Exception(reason, inner);
