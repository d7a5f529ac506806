// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Vm;
using KvmActors.Persistence;

namespace KvmActors.Actors.Cluster;

/// <summary>Renews this node's lease, and tells the others when it comes back or is gone for good. Does nothing else,
/// so that nothing keeps it waiting but the store.</summary>
internal sealed class MembershipActor(VmServices services, ActorRef host, Action declaredDead) : Actor
{
    private bool _wasOpen = true;
    private bool _storeWasAway;

    private sealed record Renew;

    public override ValueTask PreStartAsync()
    {
        Context.Timers.StartPeriodic(typeof(Renew), new Renew(), services.Options.RenewEvery);
        return ValueTask.CompletedTask;
    }

    public override async ValueTask ReceiveAsync(object message)
    {
        if (message is not Renew)
        {
            throw new UnreachableException(message.GetType().Name);
        }

        NoteLoss();
        long sentAt = services.Clock.GetTimestamp();
        try
        {
            bool isAlive = await services.Store.RenewAsync(services.Self, services.Options.Lease, Context.Stopping);
            if (isAlive)
            {
                services.Gate.Renewed(sentAt, services.Options.Lease);
                NoteReturn();
                CheckWhatReturned();
            }
            else
            {
                await DieAsync();
            }
        }
        catch (StoreUnavailableException failure)
        {
            _storeWasAway = true;
            services.Observer.On(new ClusterEvent.StoreTrouble("renewal of the lease", failure.Message));
        }
    }

    private void NoteLoss()
    {
        if (_wasOpen && !services.Gate.IsOpen)
        {
            _wasOpen = false;
            services.Observer.On(new ClusterEvent.LeaseLost(services.Self));
        }
    }

    private void NoteReturn()
    {
        if (_wasOpen || !services.Gate.IsOpen)
        {
            return;
        }

        _wasOpen = true;
        services.Observer.On(new ClusterEvent.LeaseRegained(services.Self));
        host.Tell(new VmHostMessage.GateOpened(), Context.Self, Lane.Control);
    }

    /// <summary>A store that was away may be another one: restored from a copy, or a standby.</summary>
    private void CheckWhatReturned()
    {
        if (_storeWasAway)
        {
            _storeWasAway = false;
            host.Tell(new VmHostMessage.CheckTails(), Context.Self, Lane.Control);
        }
    }

    private async Task DieAsync()
    {
        services.Gate.Close();
        services.Observer.On(new ClusterEvent.DeclaredDead(services.Self));
        _ = await host.TryAsk<VmHostMessage.Retired>(
            new VmHostMessage.DropAll(), services.Options.Lease, Lane.Control, Context.Stopping);
        declaredDead();
        Context.Stop(Context.Self);
    }
}
