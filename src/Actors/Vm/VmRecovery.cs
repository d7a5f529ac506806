// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Replay;
using KvmActors.Persistence;

namespace KvmActors.Actors.Vm;

/// <summary>Brings a VM that this node owns by its rows back to its last journaled event.</summary>
internal sealed class VmRecovery(VmServices services, VmActorStart.Rebuild start, ISliceRunner runner)
{
    public async Task<Activation> RunAsync(CancellationToken stop)
    {
        while (true)
        {
            try
            {
                return await TryAsync(stop);
            }
            catch (StoreUnavailableException failure)
            {
                services.Observer.On(new ClusterEvent.StoreTrouble($"rebuild of {start.Rows.Vm}", failure.Message));
            }

            await services.Clock.DelayAsync(services.Options.StoreRetryAfter, stop);
        }
    }

    private async Task<Activation> TryAsync(CancellationToken stop)
    {
        RebuildResult result = await new VmRebuilder(services.Store, services.Guests, runner)
            .RebuildAsync(start.Rows, stop);
        return result switch
        {
            RebuildResult.Rebuilt rebuilt => Ready(rebuilt),
            RebuildResult.Failed failed => new Activation.Corrupt(start.Rows, failed.Reason),
            _ => throw new System.Diagnostics.UnreachableException(result.GetType().Name),
        };
    }

    private Activation.Ready Ready(RebuildResult.Rebuilt rebuilt)
    {
        VmSessionStart session = new(
            rebuilt.Guest,
            start.Rows,
            rebuilt.State,
            rebuilt.Vcpus,
            rebuilt.Console,
            rebuilt.SnapshotPages,
            NextSnapshotIsFull: false,
            rebuilt.Guest.Save())
        {
            Birth = rebuilt.Birth,
        };
        TimeSpan took = services.Clock.GetElapsedTime(start.Since);
        services.Observer.On(new ClusterEvent.VmRebuilt(
            start.Rows.Vm, start.Rows.Epoch, rebuilt.Guest.VmTime, rebuilt.EventsReplayed, took));
        RecoveryReport report = new(
            start.From,
            start.Rows.Epoch,
            rebuilt.SnapshotVmTime,
            rebuilt.Guest.VmTime,
            rebuilt.EventsReplayed,
            took);
        return new Activation.Ready(new VmSession(services, session, runner), report, Reply: null);
    }
}
