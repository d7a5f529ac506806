// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Cluster;

/// <summary>A request and its reply, as encoded bytes, between nodes.</summary>
/// <remarks>Host implements it over gRPC's wire format, the simulator over an in-memory network. Actors knows neither.
/// The bytes are Protobuf, so that a simulation goes through the codec too.</remarks>
public interface INodeLink
{
    /// <param name="endpoint">"host:port", from the membership.</param>
    /// <param name="request">Not kept after the returned task completes, however it does: its buffer is used
    /// again.</param>
    /// <exception cref="LinkException">No reply; <see cref="LinkException.Outcome"/> says what is known of the
    /// request.</exception>
    ValueTask<ReadOnlyMemory<byte>> CallAsync(
        string endpoint, ReadOnlyMemory<byte> request, CancellationToken cancellationToken);
}
