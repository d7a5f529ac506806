// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Actors.Replay;
using KvmActors.Actors.Saving;
using KvmActors.Actors.Vm;
using KvmActors.Host.Control.V1;
using KvmActors.Host.Debug;
using KvmActors.Host.Rpc;
using KvmActors.Machine;
using KvmActors.Persistence;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Host.Control;

/// <summary>Forks through the control API. The node that is asked rebuilds the past from the store that all nodes
/// share; the VM itself is not touched.</summary>
/// <param name="ask">Asks the cluster; throws <see cref="RpcException"/> where it refuses.</param>
/// <param name="guests">Makes the guest in which the past is lived again.</param>
internal sealed class VmForkHandler(
    Func<ControlRequest, CancellationToken, Task<ControlReply>> ask,
    IStore store,
    IGuestFactory guests,
    TimeProvider clock)
{
    /// <returns>The new VM's name.</returns>
    public async Task<VmId> ForkAsync(ForkVmRequest request, CancellationToken stop)
    {
        CommandId command = ControlHandlers.CommandOf(request.Command);
        VmId vm = ControlHandlers.VmOf(request.Name);
        VmId name = ControlHandlers.VmOf(request.As);
        try
        {
            ulong vmTime = await VmTimeAsync(vm, request.Moment, stop).ConfigureAwait(false);
            VmDraft draft = await VmFork.DraftAsync(
                store,
                vm,
                vmTime,
                name,
                request.OnNode.Length == 0 ? null : request.OnNode,
                guests,
                clock,
                stop).ConfigureAwait(false);
            _ = await ask(new ControlRequest.RestoreVm(command, draft), stop).ConfigureAwait(false);
            return name;
        }
        catch (Exception wrong) when (wrong is ArgumentOutOfRangeException or CliFault)
        {
            throw new RpcException(RpcStatus.InvalidArgument, wrong.Message, inner: wrong);
        }
        catch (KeyNotFoundException unknown)
        {
            throw new RpcException(RpcStatus.NotFound, unknown.Message, inner: unknown);
        }
        catch (StoreUnavailableException away)
        {
            throw new RpcException(RpcStatus.Unavailable, away.Message, inner: away);
        }
        catch (StoreCorruptException damaged)
        {
            throw new RpcException(RpcStatus.Aborted, damaged.Message, inner: damaged);
        }
    }

    private async Task<ulong> VmTimeAsync(VmId vm, string text, CancellationToken stop)
    {
        VmHistory history = await JournalReplayer.ReadHistoryAsync(store, vm, stop).ConfigureAwait(false);
        SnapshotRecord first = await JournalReplayer.FirstSnapshotAsync(store, vm, stop).ConfigureAwait(false);
        Moment start = new(first.VmTime);
        Moment moment = MomentText.Parse(text, start, start, new Moment(Math.Max(history.VmTime, start.VmTime)));
        return moment.Step == 0
            ? moment.VmTime
            : throw new CliFault(
                $"Expected a settled moment to fork at, found {moment}: name a VM time, {moment.VmTime} or "
                + $"{moment.VmTime + 1}.");
    }
}
