// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Cluster;

/// <summary>A peer and this node do not read what the other writes. The message says what to do.</summary>
public sealed class PeerVersionException(string message) : Exception(message);
