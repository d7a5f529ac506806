// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;

namespace KvmActors.Host.Flight;

/// <summary>Records calls of other nodes that got no answer.</summary>
internal sealed class RecordedLink(INodeLink inner, FlightRecorder? recorder) : INodeLink
{
    public async ValueTask<ReadOnlyMemory<byte>> CallAsync(
        string endpoint, ReadOnlyMemory<byte> request, CancellationToken cancellationToken)
    {
        try
        {
            return await inner.CallAsync(endpoint, request, cancellationToken).ConfigureAwait(false);
        }
        catch (LinkException fault)
        {
            recorder?.Record($"link {endpoint} {fault.Outcome}: {fault.Message}");
            throw;
        }
        catch (OperationCanceledException)
        {
            recorder?.Record($"link {endpoint} gave no answer in time");
            throw;
        }
    }
}
