// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using Microsoft.Extensions.Logging;

namespace KvmActors.Host.Node;

/// <summary>Writes what a node does to the log. Any thread.</summary>
internal sealed class ClusterLogObserver(ILogger logger) : IClusterObserver
{
    public void On(ClusterEvent happened)
    {
        switch (happened)
        {
            case ClusterEvent.NodeJoined joined:
                logger.NodeJoined(joined.Node);
                break;
            case ClusterEvent.NodeDrains drains:
                logger.NodeDrains(drains.Node, drains.Vms);
                break;
            case ClusterEvent.LeaseLost lost:
                logger.LeaseLost(lost.Node);
                break;
            case ClusterEvent.LeaseRegained regained:
                logger.LeaseRegained(regained.Node);
                break;
            case ClusterEvent.DeclaredDead dead:
                logger.DeclaredDead(dead.Node);
                break;
            case ClusterEvent.PeerDead dead:
                logger.PeerDead(dead.Peer, dead.Evidence);
                break;
            case ClusterEvent.StoreTrouble trouble:
                logger.StoreTrouble(trouble.What, trouble.Reason);
                break;
            case ClusterEvent.MigrationPhaseEnded phase:
                logger.MigrationPhaseEnded(phase.Migration, phase.Vm, phase.Phase, phase.Took.TotalMilliseconds);
                break;
            case ClusterEvent.MigrationEnded ended:
                logger.MigrationEnded(ended.Migration, ended.Vm, ended.Outcome);
                break;
            default:
                OnVm(happened);
                break;
        }
    }

    private void OnVm(ClusterEvent happened)
    {
        switch (happened)
        {
            case ClusterEvent.VmClaimed claimed:
                logger.VmClaimed(claimed.Vm, claimed.From?.Value ?? "nobody", claimed.Epoch);
                break;
            case ClusterEvent.VmUnclaimable unclaimable:
                logger.VmUnclaimable(unclaimable.Vm, unclaimable.Reason);
                break;
            case ClusterEvent.VmRebuilt rebuilt:
                logger.VmRebuilt(
                    rebuilt.Vm, rebuilt.Epoch, rebuilt.VmTime, rebuilt.EventsReplayed, rebuilt.Took.TotalMilliseconds);
                break;
            case ClusterEvent.VmQuarantined quarantined:
                logger.VmQuarantined(quarantined.Vm, quarantined.Reason);
                break;
            case ClusterEvent.VmFenced fenced:
                logger.VmFenced(fenced.Vm, fenced.Offered);
                break;
            case ClusterEvent.VmFailed failed:
                logger.VmFailed(failed.Vm, failed.Reason);
                break;
        }
    }
}
