// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using Google.Protobuf;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Saving;
using KvmActors.Actors.Vm;
using KvmActors.Host.Control.V1;
using KvmActors.Host.Rpc;
using KvmActors.Persistence;
using KvmActors.Persistence.Files;

namespace KvmActors.Host.Control;

/// <summary>Saved VMs through the control API. A snapshot is in the store that all nodes share, so whichever node is
/// asked reads and writes the pages itself, and the owner's guest runs on.</summary>
/// <param name="ask">Asks the cluster; throws <see cref="RpcException"/> where it refuses.</param>
internal sealed class VmFileHandlers(
    Func<ControlRequest, CancellationToken, Task<ControlReply>> ask, IStore store, string engine)
{
    /// <summary>Bytes of one message, so that the smallest rpc.message-max holds it.</summary>
    private const int ChunkBytes = 256 << 10;

    public async IAsyncEnumerable<SaveVmChunk> SaveAsync(
        SaveVmRequest request, [EnumeratorCancellation] CancellationToken stop)
    {
        ControlRequest.Order order = new(
            ControlHandlers.CommandOf(request.Command),
            ControlHandlers.VmOf(request.Name),
            new VmCommand.TakeSnapshot());
        var taken = (ControlReply.SnapshotTaken)await ask(order, stop).ConfigureAwait(false);
        VmFileSource source = await Stored(
            () => VmFileSource.OpenAsync(store, taken.Vm, taken.Id, taken.Node, engine, stop)).ConfigureAwait(false);
        await using IAsyncEnumerator<byte[]> pieces = source.ReadAsync(stop).GetAsyncEnumerator(stop);
        while (await Stored(() => pieces.MoveNextAsync().AsTask()).ConfigureAwait(false))
        {
            byte[] piece = pieces.Current;
            for (int at = 0; at < piece.Length; at += ChunkBytes)
            {
                yield return new SaveVmChunk
                {
                    Data = UnsafeByteOperations.UnsafeWrap(
                        piece.AsMemory(at, Math.Min(ChunkBytes, piece.Length - at))),
                    VmTime = source.Saved.Machine.VmTime,
                    PagesDone = (uint)source.PagesDone,
                    PagesAll = (uint)source.Saved.PageCount,
                };
            }
        }
    }

    /// <returns>The new VM's name.</returns>
    public async Task<VmId> RestoreAsync(IAsyncEnumerable<RestoreVmChunk> chunks, CancellationToken stop)
    {
        IAsyncEnumerator<RestoreVmChunk> source = chunks.GetAsyncEnumerator(stop);
        await using ConfiguredAsyncDisposable end = source.ConfigureAwait(false);
        if (!await source.MoveNextAsync().ConfigureAwait(false))
        {
            throw new RpcException(
                RpcStatus.InvalidArgument, "Expected a command and a saved VM's file, found no message.");
        }

        RestoreVmChunk first = source.Current;
        CommandId command = ControlHandlers.CommandOf(first.Command);
        VmId? name = first.Name.Length == 0 ? null : ControlHandlers.VmOf(first.Name);
        using VmFileUpload file = new(first, source);
        VmDraft draft = await Stored(() => VmFileIntake.ReadAsync(
            store, file, saved => name ?? saved.Vm, first.OnNode.Length == 0 ? null : first.OnNode, stop))
            .ConfigureAwait(false);
        _ = await ask(new ControlRequest.RestoreVm(command, draft), stop).ConfigureAwait(false);
        return draft.Name;
    }

    /// <exception cref="RpcException">With the words of the file, or of the store.</exception>
    private static async Task<T> Stored<T>(Func<Task<T>> work)
    {
        try
        {
            return await work().ConfigureAwait(false);
        }
        catch (SavedVmException damaged)
        {
            throw new RpcException(RpcStatus.InvalidArgument, damaged.Message, inner: damaged);
        }
        catch (StoreUnavailableException away)
        {
            throw new RpcException(RpcStatus.Unavailable, away.Message, inner: away);
        }
        catch (StoreCorruptException gone)
        {
            throw new RpcException(RpcStatus.Aborted, gone.Message, inner: gone);
        }
    }
}
