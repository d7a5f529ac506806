// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Diagnostics;
using Google.Protobuf;
using KvmActors.Actors.Vm;
using KvmActors.Actors.Wire;
using KvmActors.Cpu.Cpuid;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;

namespace KvmActors.Actors.Cluster;

/// <summary>Control requests and replies to and from their messages in <c>link.proto</c>. Pure.</summary>
internal static class ControlWire
{
    public static ControlCall Of(ControlRequest request) => request switch
    {
        ControlRequest.CreateVm create => Named(
            create.Id, create.Blueprint.Name, new ControlCall { Create = Of(create) }),
        ControlRequest.RestoreVm restore => Named(
            restore.Id, restore.Draft.Name, new ControlCall { Restore = DraftWire.Of(restore.Draft) }),
        ControlRequest.Order order => Named(order.Id, order.Vm, new ControlCall { Order = Of(order.Command) }),
        ControlRequest.MigrateVcpu move => Named(
            move.Id,
            move.Vcpu.Vm,
            new ControlCall { Migrate = new MigrateCall { Vcpu = (uint)move.Vcpu.VcpuIndex, To = move.To } }),
        ControlRequest.MigrateVm move => Named(
            move.Id, move.Vm, new ControlCall { MigrateVm = new MigrateVmCall { To = move.To } }),
        ControlRequest.CheckMove check => new ControlCall
        {
            Vm = check.Vm.Value,
            CheckMove = new CheckMoveCall { To = check.To },
        },
        ControlRequest.CancelMove cancel => Named(
            cancel.Id, cancel.Vm, new ControlCall { CancelMove = new CancelMoveCall() }),
        ControlRequest.DrainNode drain => new ControlCall { DrainNode = new DrainNodeCall { Node = drain.Node } },
        ControlRequest.ShowVm show => new ControlCall { Vm = show.Vm.Value, Show = new ShowCall() },
        ControlRequest.ListOwnVms => new ControlCall { ListOwn = new ListOwnCall() },
        ControlRequest.ReadConsole read => new ControlCall
        {
            Vm = read.Vm.Value,
            ReadConsole = new ReadConsoleCall
            {
                Offset = read.Offset,
                BytesMax = (uint)read.BytesMax,
                WaitMs = (uint)read.Wait.TotalMilliseconds,
            },
        },
        ControlRequest.ListVms => throw new InvalidOperationException(
            "ListVms is answered by the node that was asked."),
        _ => throw new UnreachableException(request.GetType().Name),
    };

    /// <exception cref="InvalidDataException">Not a request this version knows.</exception>
    public static ControlRequest From(ControlCall call) => call.BodyCase switch
    {
        ControlCall.BodyOneofCase.Create => new ControlRequest.CreateVm(IdOf(call), From(call.Create, VmOf(call))),
        ControlCall.BodyOneofCase.Restore => new ControlRequest.RestoreVm(
            IdOf(call), DraftWire.From(call.Restore, VmOf(call))),
        ControlCall.BodyOneofCase.Order => new ControlRequest.Order(IdOf(call), VmOf(call), From(call.Order)),
        ControlCall.BodyOneofCase.Migrate => new ControlRequest.MigrateVcpu(
            IdOf(call), VmOf(call).Vcpu((int)call.Migrate.Vcpu), call.Migrate.To),
        ControlCall.BodyOneofCase.MigrateVm => new ControlRequest.MigrateVm(
            IdOf(call), VmOf(call), call.MigrateVm.To),
        ControlCall.BodyOneofCase.CheckMove => new ControlRequest.CheckMove(VmOf(call), call.CheckMove.To),
        ControlCall.BodyOneofCase.CancelMove => new ControlRequest.CancelMove(IdOf(call), VmOf(call)),
        ControlCall.BodyOneofCase.DrainNode => new ControlRequest.DrainNode(call.DrainNode.Node),
        ControlCall.BodyOneofCase.Show => new ControlRequest.ShowVm(VmOf(call)),
        ControlCall.BodyOneofCase.ListOwn => new ControlRequest.ListOwnVms(),
        ControlCall.BodyOneofCase.ReadConsole => new ControlRequest.ReadConsole(
            VmOf(call),
            call.ReadConsole.Offset,
            (int)Math.Min(call.ReadConsole.BytesMax, ControlRequest.ConsoleReadBytesMax),
            TimeSpan.FromMilliseconds(call.ReadConsole.WaitMs)),
        ControlCall.BodyOneofCase.None => throw Unknown("control call"),
        _ => throw Unknown("control call"),
    };

    public static ControlAnswer Of(ControlReply reply) => reply switch
    {
        ControlReply.Done done => new ControlAnswer { Done = new DoneAnswer { Text = done.Text } },
        ControlReply.SnapshotTaken taken => new ControlAnswer { Snapshot = DraftWire.Of(taken) },
        ControlReply.Migrated migrated => new ControlAnswer { Migrated = ReportWire.Of(migrated.Report) },
        ControlReply.MoveChecked check => new ControlAnswer
        {
            MoveChecked = new MoveCheckedAnswer
            {
                Vm = check.Vm.Value,
                From = check.From.Value,
                To = check.To.Value,
                Missing = { check.Missing.Select(Of) },
            },
        },
        ControlReply.Draining draining => new ControlAnswer { Draining = ReportWire.Of(draining.Status) },
        ControlReply.Shown shown => new ControlAnswer { Shown = StatusWire.Of(shown.Status) },
        ControlReply.Listed listed => new ControlAnswer
        {
            Listed = new ListedAnswer
            {
                Vms = { listed.Vms.Select(StatusWire.Of) },
                MemoryBytesMax = listed.MemoryBytesMax,
            },
        },
        ControlReply.ConsoleRead read => new ControlAnswer
        {
            ConsoleRead = new ConsoleAnswer
            {
                Offset = read.Offset,
                Bytes = ByteString.CopyFrom(read.Bytes.Span),
                IsComplete = read.IsComplete,
            },
        },
        ControlReply.Refused refused => new ControlAnswer { Refused = Of(refused.Why) },
        ControlReply.NotOwner not => new ControlAnswer
        {
            NotOwner = new NotOwnerAnswer
            {
                Vm = not.Vm.Value,
                Owner = not.Owner?.Value ?? string.Empty,
                Epoch = not.Epoch.Value,
            },
        },
        _ => throw new UnreachableException(reply.GetType().Name),
    };

    /// <exception cref="InvalidDataException">Not a reply this version knows.</exception>
    public static ControlReply From(ControlAnswer answer) => answer.BodyCase switch
    {
        ControlAnswer.BodyOneofCase.Done => new ControlReply.Done(answer.Done.Text),
        ControlAnswer.BodyOneofCase.Snapshot => DraftWire.From(answer.Snapshot),
        ControlAnswer.BodyOneofCase.Migrated => new ControlReply.Migrated(ReportWire.From(answer.Migrated)),
        ControlAnswer.BodyOneofCase.MoveChecked => new ControlReply.MoveChecked(
            VmId.Parse(answer.MoveChecked.Vm),
            new NodeId(answer.MoveChecked.From),
            new NodeId(answer.MoveChecked.To),
            [.. answer.MoveChecked.Missing.Select(From)]),
        ControlAnswer.BodyOneofCase.Draining => new ControlReply.Draining(ReportWire.From(answer.Draining)),
        ControlAnswer.BodyOneofCase.Shown => new ControlReply.Shown(StatusWire.From(answer.Shown)),
        ControlAnswer.BodyOneofCase.Listed => new ControlReply.Listed([.. answer.Listed.Vms.Select(StatusWire.From)])
        {
            MemoryBytesMax = answer.Listed.MemoryBytesMax,
        },
        ControlAnswer.BodyOneofCase.ConsoleRead => new ControlReply.ConsoleRead(
            answer.ConsoleRead.Offset, answer.ConsoleRead.Bytes.Memory, answer.ConsoleRead.IsComplete),
        ControlAnswer.BodyOneofCase.Refused => new ControlReply.Refused(From(answer.Refused)),
        ControlAnswer.BodyOneofCase.NotOwner => new ControlReply.NotOwner(
            VmId.Parse(answer.NotOwner.Vm), StatusWire.NodeOf(answer.NotOwner.Owner), new Epoch(answer.NotOwner.Epoch)),
        ControlAnswer.BodyOneofCase.None => throw Unknown("control answer"),
        _ => throw Unknown("control answer"),
    };

    public static RefusalMessage Of(Refusal refusal) => new()
    {
        Kind = (uint)refusal.Kind,
        Expected = refusal.Expected,
        Found = refusal.Found,
        WhatToDo = refusal.WhatToDo,
    };

    public static Refusal From(RefusalMessage message) =>
        new((RefusalKind)message.Kind, message.Expected, message.Found, message.WhatToDo);

    /// <summary>In what every version says of what it does not know.</summary>
    public const string NotKnown = "that this version knows";

    public static InvalidDataException Unknown(string what) => new(
        $"Expected a {what} {NotKnown}, found another one. Run the same version on every node.");

    private static ControlCall Named(CommandId id, VmId vm, ControlCall call)
    {
        call.Client = id.Client;
        call.Command = id.Command;
        call.Vm = vm.Value;
        return call;
    }

    private static CommandId IdOf(ControlCall call) => new(call.Client, call.Command);

    private static VmId VmOf(ControlCall call) => VmId.TryParse(call.Vm, out VmId vm) ? vm : throw Unknown("VM name");

    private static CreateCall Of(ControlRequest.CreateVm create) => new()
    {
        VmCreated = WireEvent.Encode(new JournalEvent.VmCreated(
            create.Blueprint.Spec, create.Blueprint.ImageName, new string('0', 64), create.Blueprint.CommandLine)),
        Image = UnsafeByteOperations.UnsafeWrap(create.Blueprint.Image),
        Initrd = UnsafeByteOperations.UnsafeWrap(create.Blueprint.Initrd),
        CpuidSet = { create.Blueprint.Cpuid.Select(table => WireEvent.Encode(new JournalEvent.CpuidSet(table))) },
        OnNode = create.Blueprint.OnNode ?? string.Empty,
    };

    private static VmBlueprint From(CreateCall call, VmId vm)
    {
        JournalEvent.VmCreated created = WireEvent.Decode<JournalEvent.VmCreated>(EventKind.VmCreated, call.VmCreated);
        ImmutableArray<CpuidTable> tables =
        [
            .. call.CpuidSet.Select(set => WireEvent.Decode<JournalEvent.CpuidSet>(EventKind.CpuidSet, set).Table),
        ];
        return new VmBlueprint(
            vm,
            created.Spec,
            created.Image,
            call.Image.Memory,
            created.CommandLine,
            tables,
            call.OnNode.Length == 0 ? null : call.OnNode)
        {
            Initrd = call.Initrd.Memory,
        };
    }

    private static OrderCall Of(VmCommand command) => command switch
    {
        VmCommand.Start => new OrderCall { Verb = OrderVerb.Start },
        VmCommand.Pause => new OrderCall { Verb = OrderVerb.Pause },
        VmCommand.Resume => new OrderCall { Verb = OrderVerb.Resume },
        VmCommand.Stop => new OrderCall { Verb = OrderVerb.Stop },
        VmCommand.TakeSnapshot => new OrderCall { Verb = OrderVerb.TakeSnapshot },
        VmCommand.Delete delete => new OrderCall { Verb = OrderVerb.Delete, Force = delete.Force },
        VmCommand.Input input => new OrderCall
        {
            Verb = OrderVerb.Input,
            Input = ByteString.CopyFrom(input.Bytes.AsSpan()),
        },
        VmCommand.SetCpuid set => new OrderCall
        {
            Verb = OrderVerb.SetCpuid,
            Vcpu = (uint)set.VcpuIndex,
            Cpuid = { set.Entries.Select(Of) },
        },
        _ => throw new InvalidOperationException($"{command.GetType().Name} is no order of a client."),
    };

    private static VmCommand From(OrderCall call) => call.Verb switch
    {
        OrderVerb.Start => new VmCommand.Start(),
        OrderVerb.Pause => new VmCommand.Pause(),
        OrderVerb.Resume => new VmCommand.Resume(),
        OrderVerb.Stop => new VmCommand.Stop(),
        OrderVerb.TakeSnapshot => new VmCommand.TakeSnapshot(),
        OrderVerb.Delete => new VmCommand.Delete(call.Force),
        OrderVerb.Input => new VmCommand.Input([.. call.Input]),
        OrderVerb.SetCpuid => new VmCommand.SetCpuid((int)call.Vcpu, [.. call.Cpuid.Select(From)]),
        OrderVerb.Unspecified => throw Unknown("order"),
    };

    private static CpuidEntryMessage Of(CpuidEntry entry) => new()
    {
        Leaf = entry.Leaf,
        Subleaf = entry.Subleaf,
        Flags = (uint)entry.Flags,
        Eax = entry.Eax,
        Ebx = entry.Ebx,
        Ecx = entry.Ecx,
        Edx = entry.Edx,
        Padding0 = entry.Padding0,
        Padding1 = entry.Padding1,
        Padding2 = entry.Padding2,
    };

    private static CpuidEntry From(CpuidEntryMessage entry) => new(
        entry.Leaf,
        entry.Subleaf,
        (CpuidEntryFlags)entry.Flags,
        entry.Eax,
        entry.Ebx,
        entry.Ecx,
        entry.Edx,
        entry.Padding0,
        entry.Padding1,
        entry.Padding2);
}
