// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Control;
using KvmActors.Host.Control.V1;
using KvmActors.Host.Rpc;

namespace KvmActors.Host.Debug;

/// <summary>A VM reached through the control API of any node of its cluster.</summary>
/// <param name="client">The caller disposes of it.</param>
internal sealed class LiveVm(ControlClient client, string name) : ILiveVm
{
    private const string Running = "running";

    /// <summary>True while the cluster executes it.</summary>
    /// <exception cref="RpcException">There is no such VM, or no answer.</exception>
    public async Task<bool> IsRunningAsync(CancellationToken stop) =>
        await StateAsync(stop).ConfigureAwait(false) == Running;

    public async Task ReleaseAsync(CancellationToken stop)
    {
        switch (await StateAsync(stop).ConfigureAwait(false))
        {
            case "paused":
                await OrderAsync(ControlMethods.ResumeVm, stop).ConfigureAwait(false);
                break;
            case "created" or "stopped":
                await OrderAsync(ControlMethods.StartVm, stop).ConfigureAwait(false);
                break;
            default:
                break;
        }
    }

    public async Task HoldAsync(CancellationToken stop)
    {
        try
        {
            if (await IsRunningAsync(stop).ConfigureAwait(false))
            {
                await OrderAsync(ControlMethods.PauseVm, stop).ConfigureAwait(false);
            }
        }
        catch (RpcException fault) when (fault.Status == RpcStatus.FailedPrecondition)
        {
            // It came to its end meanwhile, which is as good. Everything else is told.
            if (await IsRunningAsync(stop).ConfigureAwait(false))
            {
                throw;
            }
        }
    }

    private async Task<string> StateAsync(CancellationToken stop)
    {
        VmStatus status = await client.CallAsync(ControlMethods.ShowVm, new ShowVmRequest { Name = name }, stop)
            .ConfigureAwait(false);
        return status.State;
    }

    private Task<VmStatus> OrderAsync(RpcMethod<VmCommandRequest, VmStatus> order, CancellationToken stop) =>
        client.CallAsync(order, new VmCommandRequest { Command = client.NextCommand(), Name = name }, stop);
}
