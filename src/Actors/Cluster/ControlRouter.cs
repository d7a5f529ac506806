// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Migration;
using KvmActors.Actors.Vcpu;
using KvmActors.Actors.Vm;
using KvmActors.Actors.Wire;
using KvmActors.Persistence;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Membership;
using KvmActors.Persistence.Ownership;

namespace KvmActors.Actors.Cluster;

/// <summary>Brings a client's request to the node that can answer it. Any thread.</summary>
internal sealed class ControlRouter(VmServices services, ActorRef host)
{
    /// <summary>Times an owner is looked up anew before the client is told to come back.</summary>
    private const int HopsMax = 4;

    private static readonly TimeSpan s_betweenHops = TimeSpan.FromMilliseconds(50);

    /// <summary>Wait for an answer to what a peer forwarded: the peer's own limit ends earlier.</summary>
    private static readonly TimeSpan s_forwardedMax = TimeSpan.FromMinutes(10);

    /// <summary>Begins to drain this node, or tells how far that is.</summary>
    public Func<CancellationToken, Task<ControlReply>>? Drain { get; set; }

    public VmListing Listing => new(services, ForwardAsync);

    /// <summary>Answers here or forwards.</summary>
    public async Task<ControlReply> AnswerAsync(
        ControlRequest request, TimeSpan timeout, CancellationToken cancellation)
    {
        using CancellationTokenSource late = new(timeout, services.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellation);
        try
        {
            return request switch
            {
                ControlRequest.ListVms => await Listing.AllAsync(either.Token),
                ControlRequest.ListOwnVms => Listing.Own(),
                ControlRequest.CreateVm create => await CreateAsync(
                    create.Blueprint.OnNode,
                    create with { Blueprint = create.Blueprint with { OnNode = null } },
                    either.Token),
                ControlRequest.RestoreVm restore => await CreateAsync(
                    restore.Draft.OnNode,
                    restore with { Draft = restore.Draft with { OnNode = null } },
                    either.Token),
                ControlRequest.ReleaseVm release =>
                    await VmQuarantine.ReleaseAsync(services.Store, release.Vm, either.Token),
                ControlRequest.DrainNode drain => await DrainAsync(drain, either.Token),
                _ => await RouteAsync(request, VmOf(request), either.Token),
            };
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            return Refuse(
                RefusalKind.Unavailable,
                $"an answer within {timeout.TotalSeconds} s",
                "none",
                "Send it again under the same id.");
        }
        catch (StoreUnavailableException failure)
        {
            return new ControlReply.Refused(Refusals.StoreAway(failure));
        }
    }

    /// <summary>Answers on this node, or says that it does not own the VM.</summary>
    public async Task<ControlReply> AnswerHereAsync(ControlRequest request, CancellationToken cancellation)
    {
        switch (request)
        {
            case ControlRequest.ListOwnVms:
                return Listing.Own();
            case ControlRequest.DrainNode:
                return await Drain!(cancellation);
            case ControlRequest.ShowVm show:
                return Show(show.Vm);
            case ControlRequest.CreateVm create:
                VmBlueprint blueprint = create.Blueprint;
                return await AskHostAsync(
                    new VmHostMessage.Create(create, blueprint.Name, blueprint.Spec), blueprint.Name, cancellation);
            case ControlRequest.RestoreVm restore:
                VmDraft draft = restore.Draft;
                return await AskHostAsync(
                    new VmHostMessage.Create(restore, draft.Name, draft.Created.Spec), draft.Name, cancellation);
            case ControlRequest.Order order:
                return await AskVmAsync(order.Vm, new VmMessage.Order(order.Id, order.Command), cancellation);
            case ControlRequest.ReadConsole read:
                TimeSpan wait = read.Wait < ControlRequest.ConsoleWaitMax ? read.Wait : ControlRequest.ConsoleWaitMax;
                return await AskVmAsync(
                    read.Vm, new VmMessage.ReadConsole(read.Offset, read.BytesMax, wait), cancellation);
            case ControlRequest.MigrateVcpu migrate:
                return await MigrateAsync(
                    migrate.Id,
                    migrate.Vcpu,
                    migrate.To,
                    to => new VmMessage.ToVcpu(migrate.Vcpu.VcpuIndex, new VcpuMessage.Migrate(migrate.Id, to)),
                    cancellation);
            case ControlRequest.MigrateVm migrate:
                return await MigrateAsync(
                    migrate.Id,
                    migrate.Vm.Stream,
                    migrate.To,
                    to => new VmMessage.Move(migrate.Id, migrate.Vm.Stream, to),
                    cancellation);
            case ControlRequest.CheckMove check:
                return await CheckMoveAsync(check, cancellation);
            case ControlRequest.CancelMove cancel:
                return await AskVmAsync(cancel.Vm, new VmMessage.CancelMove(cancel.Id), cancellation);
            default:
                throw new UnreachableException(request.GetType().Name);
        }
    }

    private static VmId VmOf(ControlRequest request) => request switch
    {
        ControlRequest.Order order => order.Vm,
        ControlRequest.MigrateVcpu migrate => migrate.Vcpu.Vm,
        ControlRequest.MigrateVm migrate => migrate.Vm,
        ControlRequest.CheckMove check => check.Vm,
        ControlRequest.CancelMove cancel => cancel.Vm,
        ControlRequest.ShowVm show => show.Vm,
        ControlRequest.ReadConsole read => read.Vm,
        _ => throw new UnreachableException(request.GetType().Name),
    };

    /// <summary>As long as a guest's memory takes to be copied.</summary>
    private static bool TakesLong(ControlRequest request) => request
        is ControlRequest.MigrateVcpu
        or ControlRequest.MigrateVm
        or ControlRequest.RestoreVm
        or ControlRequest.Order { Command: VmCommand.TakeSnapshot };

    private static ControlReply.Refused Refuse(RefusalKind kind, string expected, string found, string whatToDo) =>
        new(new Refusal(kind, expected, found, whatToDo));

    /// <summary>The value first, then the gate: a lease that ends in between makes no stale answer.</summary>
    private ControlReply Show(VmId vm)
    {
        VmStatus? status = services.Board.Find(vm);
        return status is null ? new ControlReply.NotOwner(vm, null, Epoch.First)
            : services.Gate.IsOpen ? new ControlReply.Shown(status)
            : new ControlReply.Refused(Refusals.LeaseOver(services.Self));
    }

    private async Task<ControlReply> RouteAsync(ControlRequest request, VmId vm, CancellationToken cancellation)
    {
        for (int hop = 0; hop < HopsMax; hop++)
        {
            ControlReply reply = await RouteOnceAsync(request, vm, cancellation);
            if (reply is not ControlReply.NotOwner)
            {
                return reply;
            }

            await services.Clock.DelayAsync(s_betweenHops, cancellation);
        }

        return request is ControlRequest.ShowVm && await services.Store.FindAsync(vm.Stream, cancellation) is { } row
            ? new ControlReply.Shown(VmListing.FromRow(row, "Its owner does not run it yet."))
            : Refuse(
                RefusalKind.Unavailable,
                $"the owner of {vm} to run it",
                "it being moved or rebuilt",
                "Send it again under the same id in a moment.");
    }

    private async Task<ControlReply> RouteOnceAsync(ControlRequest request, VmId vm, CancellationToken cancellation)
    {
        if (services.Board.Find(vm) is not null
            && await AnswerHereAsync(request, cancellation) is var here and not ControlReply.NotOwner)
        {
            return here;
        }

        StreamRow? row = await services.Store.FindAsync(vm.Stream, cancellation);
        if (row is null)
        {
            return await AnswerForNoneAsync(request, vm, cancellation);
        }

        if (row.State == StreamRowState.Quarantined
            && request is ControlRequest.Order { Command: VmCommand.Delete } delete)
        {
            // Nobody runs it, and nobody will; but somebody else may just have deleted it.
            return await services.Store.ReadLockedAsync(vm, cancellation) is { Count: > 0 } rows
                ? await VmDeletion.RunAsync(
                    services.Store, rows, delete.Id, services.Clock, services.Options.StoreRetryAfter, cancellation)
                : await AnswerForNoneAsync(request, vm, cancellation);
        }

        if (row.State == StreamRowState.Quarantined && request is not ControlRequest.ShowVm)
        {
            return Refuse(
                RefusalKind.State,
                $"{vm} to be in service",
                "it quarantined",
                "See why with vm show; look at its journal with journal verify and journal replay; give it back to "
                + "service with vm release.");
        }

        if (row.State == StreamRowState.Quarantined)
        {
            string? reason = await VmQuarantine.ReasonAsync(services.Store, row, cancellation);
            return new ControlReply.Shown(
                VmListing.FromRow(row, $"Quarantined: {reason ?? "its journal does not say why"}"));
        }

        return row.Owner == services.Self
            ? await AnswerHereAsync(request, cancellation)
            : await ForwardToOwnerAsync(request, row, cancellation);
    }

    /// <summary>The VM may have been there when the command was first sent: its replies outlive it.</summary>
    private async Task<ControlReply> AnswerForNoneAsync(
        ControlRequest request, VmId vm, CancellationToken cancellation)
    {
        (StreamId Stream, CommandId Id)? command = request switch
        {
            ControlRequest.Order order => (vm.Stream, order.Id),
            ControlRequest.MigrateVm move => (vm.Stream, move.Id),
            ControlRequest.MigrateVcpu move => (move.Vcpu, move.Id),
            ControlRequest.CancelMove cancel => (vm.Stream, cancel.Id),
            _ => null,
        };
        return command is { } sent
            && await services.Store.FindReplyAsync(sent.Stream, sent.Id, cancellation) is { } stored
            ? ReplyCodec.Decode(stored)
            : Refuse(RefusalKind.NotFound, $"a VM named {vm}", "none", "Look at: vm list.");
    }

    private async Task<ControlReply> ForwardToOwnerAsync(
        ControlRequest request, StreamRow row, CancellationToken cancellation)
    {
        IReadOnlyList<NodeRow> nodes = await services.Store.ListNodesAsync(cancellation);
        NodeRow? owner = nodes.FirstOrDefault(node => node.Id == row.Owner && node.Status != NodeStatus.Dead);
        if (owner is null)
        {
            string last = row.Owner is null ? "nobody" : $"{row.Owner}, which is dead";
            string problem = $"It is owned by {last}, and no node has claimed it yet.";
            return request is ControlRequest.ShowVm
                ? new ControlReply.Shown(VmListing.FromRow(row, problem))
                : Refuse(
                    RefusalKind.Unavailable,
                    $"{row.Stream} to have a live owner",
                    last,
                    "Send it again under the same id in a moment.");
        }

        return await ForwardAsync(owner, request, cancellation);
    }

    private async Task<ControlReply> ForwardAsync(NodeRow node, ControlRequest request, CancellationToken cancellation)
    {
        try
        {
            LinkRequest call = new() { Control = ControlWire.Of(request) };
            LinkReply reply = TakesLong(request)
                ? await LinkCalls.CallUnlimitedAsync(services, node.Endpoint, call, cancellation)
                : await LinkCalls.CallAsync(services, node.Endpoint, call, cancellation);
            return ControlWire.From(reply.Control ?? throw ControlWire.Unknown("link reply"));
        }
        catch (Exception failure) when (failure is LinkException or InvalidDataException)
        {
            return Refuse(
                RefusalKind.Unavailable,
                $"an answer of {node.Id} at {node.Endpoint}",
                failure.Message,
                "Send it again under the same id; look at: cluster status.");
        }
    }

    private async Task<ControlReply> CreateAsync(
        string? on, ControlRequest create, CancellationToken cancellation)
    {
        if (on is null || on == services.Options.Name)
        {
            return await AnswerHereAsync(create, cancellation);
        }

        (NodeRow? node, Refusal? refusal) = await FindNodeAsync(on, cancellation);
        return node is null
            ? new ControlReply.Refused(refusal!)
            : await ForwardAsync(node, create, cancellation);
    }

    private async Task<ControlReply> DrainAsync(ControlRequest.DrainNode drain, CancellationToken cancellation)
    {
        if (drain.Node == services.Options.Name)
        {
            return await AnswerHereAsync(drain, cancellation);
        }

        IReadOnlyList<NodeRow> nodes = await services.Store.ListNodesAsync(cancellation);
        return nodes.FirstOrDefault(row => row.Id.Name == drain.Node && row.Status != NodeStatus.Dead) is { } node
            ? await ForwardAsync(node, drain, cancellation)
            : Refuse(RefusalKind.NotFound, $"a live node named {drain.Node}", "none", "Look at: cluster status.");
    }

    private async Task<ControlReply> MigrateAsync(
        CommandId id, StreamId stream, string to, Func<NodeRow, VmMessage> message, CancellationToken cancellation)
    {
        (NodeRow? node, Refusal? refusal) = await FindNodeAsync(to, cancellation);
        if (node is not null)
        {
            return await AskVmAsync(stream.Vm, message(node), cancellation);
        }

        // A target that is gone by now may have been there when the command was first sent, and have taken the VM.
        DedupEntry? stored = await services.Store.FindReplyAsync(stream, id, cancellation);
        return stored is null ? new ControlReply.Refused(refusal!) : ReplyCodec.Decode(stored);
    }

    private async Task<ControlReply> CheckMoveAsync(ControlRequest.CheckMove check, CancellationToken cancellation)
    {
        ControlReply shown = Show(check.Vm);
        if (shown is not ControlReply.Shown { Status: var vm })
        {
            return shown;
        }

        (NodeRow? node, Refusal? refusal) = await FindNodeAsync(check.To, cancellation);
        try
        {
            return node is null
                ? new ControlReply.Refused(refusal!)
                : await MovePreflight.CheckAsync(services, vm, node, cancellation);
        }
        catch (LinkException failure)
        {
            return Refuse(
                RefusalKind.Unavailable,
                $"an answer of {check.To}",
                failure.Message,
                "Look at: cluster status.");
        }
    }

    private async Task<(NodeRow? Node, Refusal? Refusal)> FindNodeAsync(string name, CancellationToken cancellation)
    {
        IReadOnlyList<NodeRow> nodes = await services.Store.ListNodesAsync(cancellation);
        NodeRow? found = nodes.FirstOrDefault(node => node.Id.Name == name && node.Status == NodeStatus.Active);
        return found is not null
            ? (found, null)
            : (null, new Refusal(
                RefusalKind.NotFound,
                $"an active node named {name}",
                string.Join(
                    ", ",
                    nodes.Where(node => node.Status == NodeStatus.Active).Select(node => node.Id.Name).Order()),
                "Choose one of these, or start it with: node run."));
    }

    private Task<ControlReply> AskVmAsync(VmId vm, VmMessage message, CancellationToken cancellation) =>
        AskHostAsync(new VmHostMessage.ToVm(vm, message), vm, cancellation);

    private async Task<ControlReply> AskHostAsync(VmHostMessage message, VmId vm, CancellationToken cancellation)
    {
        AskResult<ControlReply> result =
            await host.TryAsk<ControlReply>(message, s_forwardedMax, Lane.User, cancellation);
        return result switch
        {
            AskResult<ControlReply>.Answered answered => answered.Value,
            AskResult<ControlReply>.Refused { Reason: TellResult.MailboxFull } =>
                new ControlReply.Refused(Refusals.Overloaded("message")),
            AskResult<ControlReply>.Refused => new ControlReply.NotOwner(vm, null, Epoch.First),
            _ => Refuse(
                RefusalKind.Unavailable,
                $"the actor of {vm} to answer",
                $"{result.GetType().Name}",
                "Send it again under the same id in a moment."),
        };
    }
}
