// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Diagnostics;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Migration;
using KvmActors.Persistence;
using KvmActors.Persistence.Ownership;

namespace KvmActors.Actors.Vm;

/// <summary>The parent of this node's VMs, and of the moves that come in. A VM whose actor fails is rebuilt from the
/// journal, a few times; then it is quarantined.</summary>
internal sealed class VmHostActor(VmServices services) : Actor
{
    private static readonly TimeSpan s_failureWindow = TimeSpan.FromMinutes(1);

    private readonly SortedDictionary<string, Hosted> _vms = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, Incoming> _incoming = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<long>> _failures = new(StringComparer.Ordinal);
    private Dictionary<string, Epoch> _orphans = new(StringComparer.Ordinal);
    private ActorRef? _retireClient;
    private bool _isRetiring;
    private int _births;

    /// <param name="MemoryBytes">Of the guest; 0 while it is not known.</param>
    private sealed record Hosted(VmId Vm, ActorRef Actor, ulong MemoryBytes);

    private sealed record Incoming(MigrationId Migration, ActorRef Actor, ulong MemoryBytes);

    private sealed record TryAgain(VmId Vm);

    /// <param name="Rows">Null where the store did not answer.</param>
    private sealed record RowsRead(VmId Vm, IReadOnlyList<StreamRow>? Rows);

    public override ValueTask ReceiveAsync(object message)
    {
        switch (message)
        {
            case VmHostMessage.Create create:
                OnCreate(create);
                break;
            case VmHostMessage.ToVm to:
                OnToVm(to);
                break;
            case VmHostMessage.Migrate migrate:
                OnMigrate(migrate.Message);
                break;
            case VmHostMessage.Adopt adopt:
                VmActorStart.Rebuild start = new(adopt.Rows, adopt.From, adopt.Since);
                Spawn(adopt.Rows.Vm, start, adopt.MemoryBytes);
                break;
            case VmHostMessage.AskRoom ask:
                Context.Reply(new VmHostMessage.Room(MemoryRefusal(ask.MemoryBytes)));
                break;
            case VmHostMessage.Reconcile reconcile:
                OnReconcile(reconcile);
                break;
            case VmHostMessage.AdoptHandedOver handed:
                Spawn(handed.Start.Session.Rows.Vm, handed.Start, handed.Start.Session.State.Spec.MemoryBytes);
                break;
            case VmHostMessage.Released released:
                Forget(released.Vm, released.Actor);
                break;
            case VmHostMessage.GateOpened:
                TellAll(new VmMessage.GateOpened());
                break;
            case VmHostMessage.Retire:
                OnLeaving(new VmMessage.Retire());
                break;
            case VmHostMessage.CheckTails:
                TellAll(new VmMessage.CheckTail());
                break;
            case VmHostMessage.DropAll:
                OnLeaving(new VmMessage.Drop());
                break;
            case Terminated ended:
                OnTerminated(ended.Actor);
                break;
            case TryAgain again:
                ReadRows(again.Vm);
                break;
            case RowsRead read:
                OnRowsRead(read);
                break;
            default:
                throw new UnreachableException(message.GetType().Name);
        }

        return ValueTask.CompletedTask;
    }

    private Refusal? WhyTakesNone => _isRetiring || !services.Gate.IsOpen ? Refusals.LeaseOver(services.Self)
        : services.Mode.IsDraining ? Refusals.Draining(services.Self)
        : null;

    private void OnCreate(VmHostMessage.Create create)
    {
        VmId vm = create.Vm;
        if (WhyTakesNone is { } leaving)
        {
            Context.Reply(new ControlReply.Refused(leaving));
        }
        else if (_vms.ContainsKey(vm.Value) && services.Board.Find(vm) is null)
        {
            Context.Reply(new ControlReply.Refused(Refusals.BeingRebuilt(vm)));
        }
        else if (MemoryRefusal(create.Spec.MemoryBytes) is { } refusal)
        {
            Context.Reply(new ControlReply.Refused(refusal));
        }
        else
        {
            // Also where a VM of that name runs here: the store knows whether this is a retry of its creation.
            string key = _vms.ContainsKey(vm.Value) ? $"{vm} again {_births}" : vm.Value;
            Spawn(vm, new VmActorStart.Create(create.Request, Context.Sender), create.Spec.MemoryBytes, key);
        }
    }

    private void OnToVm(VmHostMessage.ToVm to)
    {
        if (_vms.TryGetValue(to.Vm.Value, out Hosted? hosted))
        {
            hosted.Actor.Tell(to.Message, Context.Sender);
        }
        else
        {
            Context.Reply(new ControlReply.NotOwner(to.Vm, Owner: null, Epoch.First));
        }
    }

    private void OnMigrate(MigrationMessage message)
    {
        string vm = message.Key.Vm.Value;
        if (message is MigrationMessage.Offer offer)
        {
            OnOffer(offer);
        }
        else if (message is MigrationMessage.Check check)
        {
            Context.Reply(new MigrationAnswer.Checked(
                [.. Missing(check.Key.Vm, check.Engine, check.Cpuid, check.MemoryBytes, toldMax: int.MaxValue)]));
        }
        else if (_incoming.TryGetValue(vm, out Incoming? incoming) && incoming.Migration == message.Key.Migration)
        {
            incoming.Actor.Tell(message, Context.Sender);
        }
        else
        {
            Context.Reply(new MigrationAnswer.Refused(new Refusal(
                RefusalKind.State,
                $"migration {message.Key.Migration} to be under way on {services.Self}",
                incoming is null ? "none" : $"{incoming.Migration}",
                "Start the move again.")));
        }
    }

    private void OnOffer(MigrationMessage.Offer offer)
    {
        if (_incoming.TryGetValue(offer.Key.Vm.Value, out Incoming? known) && known.Migration == offer.Key.Migration)
        {
            // The link may deliver a message twice.
            Context.Reply(new MigrationAnswer.Accepted(offer.Key.Epoch));
            return;
        }

        if (WhyNot(offer) is { } refusal)
        {
            Context.Reply(new MigrationAnswer.Refused(refusal));
            return;
        }

        if (_incoming.Remove(offer.Key.Vm.Value, out Incoming? older))
        {
            // The source began anew: an older attempt can no longer commit, its rows say so.
            Context.Stop(older.Actor);
        }

        ActorRef target = Context.Spawn(
            $"incoming-{offer.Key.Vm}-{++_births}",
            Props.Of(() => new TargetMigrationActor(services, offer)) with
            {
                Supervision = SupervisionStrategy.AlwaysStop,
            });
        Context.Watch(target);
        _incoming[offer.Key.Vm.Value] = new Incoming(offer.Key.Migration, target, offer.Vm.Spec.MemoryBytes);
        Context.Reply(new MigrationAnswer.Accepted(offer.Key.Epoch));
    }

    private Refusal? WhyNot(MigrationMessage.Offer offer) =>
        Missing(offer.Key.Vm, offer.Engine, offer.Cpuid, offer.Vm.Spec.MemoryBytes, CpuidPreflight.ReasonsMax)
            .FirstOrDefault();

    private IEnumerable<Refusal> Missing(
        VmId vm, string engine, ImmutableArray<GuestCpuid> cpuid, ulong memoryBytes, int toldMax)
    {
        if (WhyTakesNone is { } leaving)
        {
            yield return leaving;
        }

        if (_vms.ContainsKey(vm.Value))
        {
            yield return new Refusal(
                RefusalKind.State,
                $"{vm} not to run on {services.Self}",
                "it running there",
                "Look at: vm show.");
        }

        if (engine != services.Guests.Engine)
        {
            yield return new Refusal(
                RefusalKind.Unsuitable,
                $"the engine {engine} on {services.Self}",
                services.Guests.Engine,
                "Run the same version on both nodes.");
        }

        if (CpuidPreflight.Check(services.Options.Name, cpuid, services.Options.OfferedCpuid, toldMax) is { } lacking)
        {
            yield return lacking;
        }

        if (MemoryRefusal(memoryBytes) is { } full)
        {
            yield return full;
        }
    }

    private Refusal? MemoryRefusal(ulong memoryBytes)
    {
        ulong inUse = _vms.Values.Aggregate(
                0UL, (sum, vm) => sum + (services.Board.Find(vm.Vm)?.Spec?.MemoryBytes ?? vm.MemoryBytes))
            + _incoming.Values.Aggregate(0UL, static (sum, incoming) => sum + incoming.MemoryBytes);
        ulong most = services.Options.GuestMemoryBytesMax;
        return memoryBytes <= most && inUse <= most - memoryBytes
            ? null
            : new Refusal(
                RefusalKind.Unsuitable,
                $"{memoryBytes} bytes of guest memory to be free on {services.Self}",
                $"{inUse} of {most} in use",
                "Choose another node, or stop a VM there.");
    }

    private void Spawn(VmId vm, VmActorStart start, ulong memoryBytes, string? key = null)
    {
        if (_isRetiring || _vms.ContainsKey(key ?? vm.Value))
        {
            return;
        }

        Props props = Props.Of(() => new VmActor(services, vm, start)) with
        {
            Supervision = SupervisionStrategy.AlwaysStop,
        };
        ActorRef actor = Context.Spawn($"{vm}-{++_births}", props);
        Context.Watch(actor);
        _vms[key ?? vm.Value] = new Hosted(vm, actor, memoryBytes);
    }

    private void Forget(VmId vm, ActorRef actor)
    {
        foreach (string key in _vms.Where(hosted => hosted.Value.Actor == actor).Select(hosted => hosted.Key).ToArray())
        {
            _vms.Remove(key);
        }

        // Where the name was made anew while the one before it was being deleted, the new one is found by it now.
        string? waiting = _vms.ContainsKey(vm.Value)
            ? null
            : _vms.Where(hosted => hosted.Value.Vm == vm).Select(hosted => hosted.Key).FirstOrDefault();
        if (waiting is not null && _vms.Remove(waiting, out Hosted? next))
        {
            _vms[vm.Value] = next;
        }

        _failures.Remove(vm.Value);
        FinishRetiring();
    }

    private void OnTerminated(ActorRef actor)
    {
        foreach (string key in _incoming.Where(next => next.Value.Actor == actor).Select(next => next.Key).ToArray())
        {
            _incoming.Remove(key);
        }

        Hosted? failed = _vms.Values.FirstOrDefault(hosted => hosted.Actor == actor);
        if (failed is null)
        {
            return;
        }

        Forget(failed.Vm, actor, out int failures);
        if (!_isRetiring)
        {
            TimeSpan backoff = SupervisionStrategy.Default.BackoffBefore(failures);
            Context.Timers.StartSingle(failed.Vm, new TryAgain(failed.Vm), backoff);
        }
    }

    private void Forget(VmId vm, ActorRef actor, out int failures)
    {
        long now = services.Clock.GetTimestamp();
        List<long> recent = _failures.GetValueOrDefault(vm.Value, []);
        recent.RemoveAll(at => services.Clock.GetElapsedTime(at, now) > s_failureWindow);
        recent.Add(now);
        failures = recent.Count;
        Forget(vm, actor);
        _failures[vm.Value] = recent;
    }

    private void ReadRows(VmId vm) => Context.PipeToSelf(
        services.Store.ReadLockedAsync(vm, Context.Stopping).AsTask(),
        rows => new RowsRead(vm, rows),
        _ => new RowsRead(vm, null));

    private void OnRowsRead(RowsRead read)
    {
        if (read.Rows is null)
        {
            Context.Timers.StartSingle(read.Vm, new TryAgain(read.Vm), services.Options.Lease);
            return;
        }

        if (read.Rows.Count == 0)
        {
            // Its creation failed before anything was durable.
            return;
        }

        var rows = VmRows.Of(read.Rows);
        if (rows.Own.Owner != services.Self || rows.Own.State == StreamRowState.Quarantined)
        {
            return;
        }

        int failures = _failures.GetValueOrDefault(read.Vm.Value, []).Count;
        VmActorStart start = failures > services.Options.ActivationFailuresMax
            ? new VmActorStart.Quarantine(rows, $"Its actor failed {failures} times in a row on {services.Self}.")
            : new VmActorStart.Rebuild(rows, From: null, services.Clock.GetTimestamp());
        Spawn(read.Vm, start, memoryBytes: 0);
    }

    private void OnReconcile(VmHostMessage.Reconcile reconcile)
    {
        Dictionary<string, Epoch> seen = new(StringComparer.Ordinal);
        foreach (VmRows rows in reconcile.Owned)
        {
            string vm = rows.Vm.Value;
            if (_vms.ContainsKey(vm) || _incoming.ContainsKey(vm) || Context.Timers.IsActive(rows.Vm))
            {
                continue;
            }

            // Twice in a row, because a message that adopts it may be on its way.
            if (_orphans.TryGetValue(vm, out Epoch before) && before == rows.Epoch)
            {
                VmActorStart.Rebuild rebuild = new(rows, From: null, services.Clock.GetTimestamp());
                Spawn(rows.Vm, rebuild, memoryBytes: 0);
            }
            else
            {
                seen[vm] = rows.Epoch;
            }
        }

        _orphans = seen;
    }

    private void OnLeaving(VmMessage farewell)
    {
        _isRetiring = true;
        _retireClient = Context.Sender;
        TellAll(farewell);
        FinishRetiring();
    }

    private void FinishRetiring()
    {
        if (_isRetiring && _vms.Count == 0)
        {
            _retireClient?.Tell(new VmHostMessage.Retired(), Context.Self);
            _retireClient = null;
        }
    }

    private void TellAll(VmMessage message)
    {
        foreach (Hosted hosted in _vms.Values)
        {
            hosted.Actor.Tell(message, Context.Self, Lane.Control);
        }
    }
}
