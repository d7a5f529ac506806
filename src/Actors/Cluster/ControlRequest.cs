// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Vm;
using KvmActors.Persistence;

namespace KvmActors.Actors.Cluster;

/// <summary>What a client asks of the cluster, through any of its nodes. A closed union.</summary>
/// <remarks>Requests that change something carry a <see cref="CommandId"/>: sent again, they are answered and not
/// repeated.
/// </remarks>
public abstract record ControlRequest
{
    private ControlRequest()
    {
    }

    /// <summary>Answered with <see cref="ControlReply.Done"/>.</summary>
    public sealed record CreateVm(CommandId Id, VmBlueprint Blueprint) : ControlRequest;

    /// <summary>A VM that goes on where another one stood: restored from a file, or forked. Not started. Answered with
    /// <see cref="ControlReply.Done"/>.</summary>
    public sealed record RestoreVm(CommandId Id, VmDraft Draft) : ControlRequest;

    /// <summary>Start, pause, resume, stop, input or a vCPU's CPUID table. Answered with
    /// <see cref="ControlReply.Done"/>; a snapshot with <see cref="ControlReply.SnapshotTaken"/>.</summary>
    public sealed record Order(CommandId Id, VmId Vm, VmCommand Command) : ControlRequest;

    /// <summary>Moves the VM of a vCPU that is alone. Answered with <see cref="ControlReply.Migrated"/> once the
    /// move is over.</summary>
    /// <param name="To">Name of a node.</param>
    public sealed record MigrateVcpu(CommandId Id, StreamId Vcpu, string To) : ControlRequest;

    /// <summary>Moves a VM with all its vCPUs. Answered with <see cref="ControlReply.Migrated"/> once the move is over.
    /// </summary>
    /// <param name="To">Name of a node.</param>
    public sealed record MigrateVm(CommandId Id, VmId Vm, string To) : ControlRequest;

    /// <summary>Takes a VM out of quarantine. Answered with <see cref="ControlReply.Done"/>, by any node and also where
    /// it is in service.</summary>
    public sealed record ReleaseVm(VmId Vm) : ControlRequest;

    /// <summary>Whether a VM could be moved, without moving it. Answered with
    /// <see cref="ControlReply.MoveChecked"/>.</summary>
    /// <param name="To">Name of a node.</param>
    public sealed record CheckMove(VmId Vm, string To) : ControlRequest;

    /// <summary>Gives up the move of a VM that is under way, before its hand-over. Answered with
    /// <see cref="ControlReply.Done"/> once the guest goes on where it was; refused where there is none, or it was
    /// over.</summary>
    public sealed record CancelMove(CommandId Id, VmId Vm) : ControlRequest;

    /// <summary>A node is to give away all that it owns, and to leave. Asked again, it tells how far it is. Answered
    /// with <see cref="ControlReply.Draining"/>.</summary>
    /// <param name="Node">Its name.</param>
    public sealed record DrainNode(string Node) : ControlRequest;

    /// <summary>Answered with <see cref="ControlReply.Shown"/>.</summary>
    public sealed record ShowVm(VmId Vm) : ControlRequest;

    /// <summary>All VMs of the cluster. Answered with <see cref="ControlReply.Listed"/>.</summary>
    public sealed record ListVms : ControlRequest;

    /// <summary>The VMs that the asked node itself runs. Answered with <see cref="ControlReply.Listed"/>.</summary>
    public sealed record ListOwnVms : ControlRequest;

    /// <summary>Released console bytes from <paramref name="Offset"/> on: waits for the first one, at most
    /// <paramref name="Wait"/>. Answered with <see cref="ControlReply.ConsoleRead"/>.</summary>
    /// <param name="BytesMax">Most bytes of the answer; cut to <see cref="ConsoleReadBytesMax"/>.</param>
    public sealed record ReadConsole(VmId Vm, ulong Offset, int BytesMax, TimeSpan Wait) : ControlRequest;

    public const int ConsoleReadBytesMax = 64 << 10;

    /// <summary>Longest wait of one <see cref="ReadConsole"/>; a client that wants more asks again.</summary>
    public static readonly TimeSpan ConsoleWaitMax = TimeSpan.FromSeconds(2);
}
