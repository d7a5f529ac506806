// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.State;
using KvmActors.Host.Configuration;
using KvmActors.Host.Control.V1;
using KvmActors.Host.Node;
using KvmActors.Host.Rpc;
using KvmActors.Persistence;
using KvmActors.Persistence.Membership;
using VmStatusMessage = KvmActors.Host.Control.V1.VmStatus;

namespace KvmActors.Host.Control;

/// <summary>Answers the control API on one node, with what its <see cref="ClusterNode"/> says.</summary>
/// <param name="node">Null until the node has joined: then every call is Unavailable.</param>
internal sealed class ControlHandlers(
    Func<ClusterNode?> node, IStore store, HostOptions options, TimeProvider clock, string version)
{
    private static readonly TimeSpan s_watchInterval = TimeSpan.FromMilliseconds(100);

    private ClusterNode Node => node() ?? throw new RpcException(
        RpcStatus.Unavailable, "Expected a node that has joined its cluster, found one that is starting. Ask again.");

    private VmFileHandlers Files => new(AskAsync, store, NodeHost.EngineName);

    public RpcService AddTo(RpcService service) => service
        .Add(ControlMethods.Ping, PingAsync)
        .Add(ControlMethods.ClusterStatus, ClusterStatusAsync)
        .Add(ControlMethods.CreateVm, CreateAsync)
        .Add(ControlMethods.ListVms, ListAsync)
        .Add(ControlMethods.ShowVm, (request, stop) => ShowAsync(VmOf(request.Name), stop))
        .Add(ControlMethods.StartVm, (request, stop) => OrderAsync(request, new VmCommand.Start(), stop))
        .Add(ControlMethods.PauseVm, (request, stop) => OrderAsync(request, new VmCommand.Pause(), stop))
        .Add(ControlMethods.ResumeVm, (request, stop) => OrderAsync(request, new VmCommand.Resume(), stop))
        .Add(ControlMethods.StopVm, (request, stop) => OrderAsync(request, new VmCommand.Stop(), stop))
        .AddStream(ControlMethods.SaveVm, (request, stop) => Files.SaveAsync(request, stop))
        .AddUpload(ControlMethods.RestoreVm, RestoreAsync)
        .Add(ControlMethods.ForkVm, ForkAsync)
        .Add(ControlMethods.DeleteVm, DeleteAsync)
        .Add(ControlMethods.ReleaseVm, ReleaseAsync)
        .Add(ControlMethods.MigrateVm, MigrateVmAsync)
        .Add(ControlMethods.CheckMove, CheckMoveAsync)
        .Add(ControlMethods.CancelMove, CancelMoveAsync)
        .Add(ControlMethods.DrainNode, DrainNodeAsync)
        .Add(ControlMethods.MigrateVcpu, MigrateVcpuAsync)
        .Add(ControlMethods.ShowVcpu, (request, stop) => ShowVcpuAsync(VcpuOf(request.Vcpu), stop))
        .Add(ControlMethods.SetVcpuCpuid, SetVcpuCpuidAsync)
        .Add(ControlMethods.SendInput, SendInputAsync)
        .AddStream(
            ControlMethods.Console,
            (request, stop) => new ConsoleStream(AskAsync, clock).ReadAsync(request, stop))
        .AddStream(ControlMethods.WatchVm, WatchAsync);

    /// <summary>A VM's name from a request.</summary>
    /// <exception cref="RpcException">InvalidArgument: it is none.</exception>
    public static VmId VmOf(string name)
    {
        try
        {
            return VmId.Parse(name);
        }
        catch (FormatException fault)
        {
            throw new RpcException(RpcStatus.InvalidArgument, fault.Message, inner: fault);
        }
    }

    /// <summary>A command's name from a request.</summary>
    /// <exception cref="RpcException">InvalidArgument: there is none.</exception>
    public static CommandId CommandOf(CommandRef? command) =>
        command is { ClientId.Length: > 0, CommandId.Length: > 0 }
            ? new CommandId(command.ClientId, command.CommandId)
            : throw new RpcException(
                RpcStatus.InvalidArgument,
                "Expected a client_id and a command_id with a command, found none. Give it both, so that a retry is "
                + "answered and not repeated.");

    private static StreamId VcpuOf(string name)
    {
        string[] parts = name.Split('/');
        return parts.Length == 2 && ushort.TryParse(
            parts[1], System.Globalization.CultureInfo.InvariantCulture, out ushort index)
            ? VmOf(parts[0]).Vcpu(index)
            : throw new RpcException(
                RpcStatus.InvalidArgument, $"Expected a vCPU as VM/INDEX, found \"{name}\". Write for example web/0.");
    }

    private ValueTask<PingReply> PingAsync(PingRequest request, CancellationToken stop) =>
        ValueTask.FromResult(new PingReply
        {
            NodeId = Node.Id.ToString(),
            Version = version,
            ProcessId = (uint)Environment.ProcessId,
            HoldsLease = Node.HoldsLease,
        });

    private async ValueTask<ClusterStatusReply> ClusterStatusAsync(
        ClusterStatusRequest request, CancellationToken stop)
    {
        ImmutableArray<Actors.Vm.VmStatus> vms = await ListAsync(stop).ConfigureAwait(false);
        IReadOnlyList<NodeRow> nodes = await store.ListNodesAsync(stop).ConfigureAwait(false);
        long nowMs = await store.ReadLeaseClockAsync(stop).ConfigureAwait(false);
        return new ClusterStatusReply
        {
            Nodes =
            {
                nodes.OrderBy(row => row.Id.Name, StringComparer.Ordinal).Select(
                    row => ControlMessages.Of(row, nowMs, vms.Count(vm => vm.Owner == row.Id))),
            },
            Vms = { vms.Select(ControlMessages.Of) },
            Pool = PoolMessages.Of(PoolReport.Of(nodes, vms)),
        };
    }

    private async ValueTask<VmStatusMessage> CreateAsync(CreateVmRequest request, CancellationToken stop)
    {
        VmId vm = VmOf(request.Name);
        CommandId command = CommandOf(request.Command);
        VmBlueprint blueprint = await new BlueprintReader(Node, store, options).ReadAsync(request, stop)
            .ConfigureAwait(false);
        _ = await AskAsync(new ControlRequest.CreateVm(command, blueprint), stop).ConfigureAwait(false);
        return await ShowAsync(vm, stop).ConfigureAwait(false);
    }

    private async ValueTask<VmStatusMessage> RestoreAsync(
        IAsyncEnumerable<RestoreVmChunk> chunks, CancellationToken stop) =>
        await ShowAsync(await Files.RestoreAsync(chunks, stop).ConfigureAwait(false), stop).ConfigureAwait(false);

    private async ValueTask<VmStatusMessage> ForkAsync(ForkVmRequest request, CancellationToken stop) =>
        await ShowAsync(
            await new VmForkHandler(AskAsync, store, NodeHost.GuestsOf(options), clock).ForkAsync(request, stop)
                .ConfigureAwait(false),
            stop).ConfigureAwait(false);

    private async ValueTask<ListVmsReply> ListAsync(ListVmsRequest request, CancellationToken stop) => new()
    {
        Vms = { (await ListAsync(stop).ConfigureAwait(false)).Select(ControlMessages.Of) },
    };

    private async ValueTask<ImmutableArray<Actors.Vm.VmStatus>> ListAsync(CancellationToken stop)
    {
        ControlReply reply = await AskAsync(new ControlRequest.ListVms(), stop).ConfigureAwait(false);
        return ((ControlReply.Listed)reply).Vms;
    }

    private async ValueTask<VmStatusMessage> ShowAsync(VmId vm, CancellationToken stop)
    {
        ControlReply reply = await AskAsync(new ControlRequest.ShowVm(vm), stop).ConfigureAwait(false);
        return ControlMessages.Of(((ControlReply.Shown)reply).Status);
    }

    private async ValueTask<VmStatusMessage> OrderAsync(
        VmCommandRequest request, VmCommand order, CancellationToken stop)
    {
        VmId vm = VmOf(request.Name);
        CommandId command = CommandOf(request.Command);
        _ = await AskAsync(new ControlRequest.Order(command, vm, order), stop).ConfigureAwait(false);
        return await ShowAsync(vm, stop).ConfigureAwait(false);
    }

    private async ValueTask<DeleteVmReply> DeleteAsync(DeleteVmRequest request, CancellationToken stop)
    {
        VmCommand.Delete delete = new(request.Force);
        ControlRequest.Order order = new(CommandOf(request.Command), VmOf(request.Name), delete);
        _ = await AskAsync(order, stop).ConfigureAwait(false);
        return new DeleteVmReply();
    }

    private async ValueTask<ReleaseVmReply> ReleaseAsync(ReleaseVmRequest request, CancellationToken stop)
    {
        ControlReply reply = await AskAsync(new ControlRequest.ReleaseVm(VmOf(request.Name)), stop)
            .ConfigureAwait(false);
        return new ReleaseVmReply { What = ((ControlReply.Done)reply).Text };
    }

    private async ValueTask<MigrateVmReply> MigrateVmAsync(MigrateVmRequest request, CancellationToken stop)
    {
        ControlRequest.MigrateVm move = new(CommandOf(request.Command), VmOf(request.Name), request.ToNode);
        ControlReply reply = await AskAsync(move, stop).ConfigureAwait(false);
        return reply is ControlReply.Migrated migrated
            ? new MigrateVmReply { Move = MoveMessages.Of(migrated.Report) }
            : throw Unexpected(reply);
    }

    private async ValueTask<CheckMoveReply> CheckMoveAsync(CheckMoveRequest request, CancellationToken stop)
    {
        ControlRequest.CheckMove check = new(VmOf(request.Name), request.ToNode);
        ControlReply reply = await AskAsync(check, stop).ConfigureAwait(false);
        return reply is ControlReply.MoveChecked answer ? MoveMessages.Of(answer) : throw Unexpected(reply);
    }

    private async ValueTask<CancelMoveReply> CancelMoveAsync(CancelMoveRequest request, CancellationToken stop)
    {
        ControlRequest.CancelMove cancel = new(CommandOf(request.Command), VmOf(request.Name));
        ControlReply reply = await AskAsync(cancel, stop).ConfigureAwait(false);
        return reply is ControlReply.Done done ? new CancelMoveReply { Text = done.Text } : throw Unexpected(reply);
    }

    private async ValueTask<DrainNodeReply> DrainNodeAsync(DrainNodeRequest request, CancellationToken stop)
    {
        ControlReply reply = await AskAsync(new ControlRequest.DrainNode(request.Name), stop).ConfigureAwait(false);
        return reply is ControlReply.Draining draining ? MoveMessages.Of(draining.Status) : throw Unexpected(reply);
    }

    private async ValueTask<MigrateVcpuReply> MigrateVcpuAsync(MigrateVcpuRequest request, CancellationToken stop)
    {
        ControlRequest.MigrateVcpu move = new(CommandOf(request.Command), VcpuOf(request.Vcpu), request.ToNode);
        ControlReply reply = await AskAsync(move, stop).ConfigureAwait(false);
        return reply is ControlReply.Migrated migrated
            ? new MigrateVcpuReply { Move = MoveMessages.Of(migrated.Report) }
            : throw Unexpected(reply);
    }

    private async ValueTask<VcpuStatus> SetVcpuCpuidAsync(SetVcpuCpuidRequest request, CancellationToken stop)
    {
        StreamId vcpu = VcpuOf(request.Vcpu);
        VmCommand.SetCpuid set = new(vcpu.VcpuIndex, [.. request.Entries.Select(CpuidMessages.From)]);
        ControlRequest.Order order = new(CommandOf(request.Command), vcpu.Vm, set);
        _ = await AskAsync(order, stop).ConfigureAwait(false);
        return await ShowVcpuAsync(vcpu, stop).ConfigureAwait(false);
    }

    private async ValueTask<VcpuStatus> ShowVcpuAsync(StreamId vcpu, CancellationToken stop)
    {
        ControlReply reply = await AskAsync(new ControlRequest.ShowVm(vcpu.Vm), stop).ConfigureAwait(false);
        Actors.Vm.VmStatus status = ((ControlReply.Shown)reply).Status;
        if (status.Machine is not { } machine)
        {
            throw new RpcException(
                RpcStatus.Unavailable,
                $"Expected the state of {vcpu}, found none published: {status.Problem ?? "it has not run yet"}. "
                + "Ask again.");
        }

        VcpuState? state = machine.Vcpus.FirstOrDefault(candidate => candidate.Index == vcpu.VcpuIndex);
        return state is null
            ? throw new RpcException(
                RpcStatus.NotFound,
                $"Expected a vCPU of {vcpu.Vm}, found \"{vcpu}\". It has {machine.Vcpus.Length}, from {vcpu.Vm}/0.")
            : ControlMessages.Of(status, vcpu, state);
    }

    private async ValueTask<SendInputReply> SendInputAsync(SendInputRequest request, CancellationToken stop)
    {
        VmCommand.Input input = new([.. request.Data.Span]);
        ControlRequest.Order order = new(CommandOf(request.Command), VmOf(request.Name), input);
        _ = await AskAsync(order, stop).ConfigureAwait(false);
        return new SendInputReply();
    }

    private async IAsyncEnumerable<VmStatusMessage> WatchAsync(
        WatchVmRequest request, [EnumeratorCancellation] CancellationToken stop)
    {
        VmId vm = VmOf(request.Name);
        VmStatusMessage? last = null;
        while (last is null || last.End.Length == 0)
        {
            VmStatusMessage now = await ShowAsync(vm, stop).ConfigureAwait(false);
            if (!now.Equals(last))
            {
                yield return now;
            }

            last = now;
            await Task.Delay(s_watchInterval, clock, stop).ConfigureAwait(false);
        }
    }

    /// <exception cref="RpcException">The cluster refused.</exception>
    private async Task<ControlReply> AskAsync(ControlRequest request, CancellationToken stop)
    {
        TimeSpan timeout = request
            is ControlRequest.MigrateVcpu
            or ControlRequest.MigrateVm
            or ControlRequest.RestoreVm
            or ControlRequest.Order { Command: VmCommand.TakeSnapshot }
            ? options.Migration.TimeBudget
            : options.Rpc.ControlTimeout;
        ControlReply reply = await Node.ControlAsync(request, timeout, stop).ConfigureAwait(false);
        return reply is ControlReply.Refused refused ? throw refused.Why.ToRpc() : reply;
    }

    private static RpcException Unexpected(ControlReply reply) => new(
        RpcStatus.Internal, $"Expected an answer to the request, found {reply.GetType().Name}. Ask again.");
}
