// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Membership;

/// <summary>A row of the table <c>node</c>: what peers see, and the length of the lease it was given last.</summary>
internal sealed record NodeEntry(NodeRow Row, long LeaseMs);
