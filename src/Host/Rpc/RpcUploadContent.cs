// SPDX-License-Identifier: Apache-2.0

using System.Net;

namespace KvmActors.Host.Rpc;

/// <summary>The body of a call with any number of requests: each is framed and sent as it comes.</summary>
internal sealed class RpcUploadContent(IAsyncEnumerable<ReadOnlyMemory<byte>> frames) : HttpContent
{
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(
        Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        await foreach (ReadOnlyMemory<byte> frame in frames.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            await stream.WriteAsync(frame, cancellationToken).ConfigureAwait(false);
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
