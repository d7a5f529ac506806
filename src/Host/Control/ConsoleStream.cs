// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using Google.Protobuf;
using KvmActors.Actors.Cluster;
using KvmActors.Host.Control.V1;
using KvmActors.Host.Rpc;
using KvmActors.Persistence;

namespace KvmActors.Host.Control;

/// <summary>A VM's console as one stream, wherever the VM is: it is asked for by offset, so that a move or a takeover
/// neither loses nor repeats a byte.</summary>
/// <param name="ask">Asks the cluster; throws <see cref="RpcException"/> where it refuses.</param>
internal sealed class ConsoleStream(
    Func<ControlRequest, CancellationToken, Task<ControlReply>> ask, TimeProvider clock)
{
    /// <summary>How long the VM may be without an owner that answers before the stream ends as Unavailable.</summary>
    public static readonly TimeSpan PatienceMax = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan s_retryAfter = TimeSpan.FromMilliseconds(50);

    public async IAsyncEnumerable<ConsoleChunk> ReadAsync(
        ConsoleRequest request, [EnumeratorCancellation] CancellationToken stop)
    {
        VmId vm = ControlHandlers.VmOf(request.Name);
        TimeSpan wait = request.Follow ? ControlRequest.ConsoleWaitMax : TimeSpan.Zero;
        ulong offset = request.FromOffset;
        while (true)
        {
            ControlReply.ConsoleRead read = await ReadOnceAsync(
                new ControlRequest.ReadConsole(vm, offset, ControlRequest.ConsoleReadBytesMax, wait), stop)
                .ConfigureAwait(false);
            if (!read.Bytes.IsEmpty || read.IsComplete)
            {
                offset = read.Offset + (ulong)read.Bytes.Length;
                yield return new ConsoleChunk
                {
                    Offset = read.Offset,
                    Data = ByteString.CopyFrom(read.Bytes.Span),
                    IsLast = read.IsComplete,
                };
            }

            if (read.IsComplete || (read.Bytes.IsEmpty && !request.Follow))
            {
                yield break;
            }
        }
    }

    private async Task<ControlReply.ConsoleRead> ReadOnceAsync(ControlRequest request, CancellationToken stop)
    {
        long begun = clock.GetTimestamp();
        while (true)
        {
            try
            {
                return (ControlReply.ConsoleRead)await ask(request, stop).ConfigureAwait(false);
            }
            catch (RpcException fault) when (
                fault.Status is RpcStatus.Unavailable or RpcStatus.ResourceExhausted
                && clock.GetElapsedTime(begun) < PatienceMax)
            {
                await Task.Delay(s_retryAfter, clock, stop).ConfigureAwait(false);
            }
        }
    }
}
