// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Diagnostics;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;

namespace KvmActors.Actors.Vm;

/// <summary>State and command in, events or a refusal out. Pure.</summary>
/// <remarks>
/// <code>
///             start            pause            stop
///   Created --------> Running --------> Paused --------> Stopped --+
///                     ^  |  ^             |                        |
///                     |  |  +---resume----+                        |
///                     |  +---------------stop--------> Stopped     |
///                     |  +--(the guest ends)---------> Ended       |
///                     +---------------start------------------------+
/// </code>
/// Any state but Ended goes to Quarantined where the journal cannot be replayed. A VM that is moving takes no other
/// command but input until the move is over. Input needs a running guest, since it enters at the start of a slice.
/// </remarks>
public static class VmDecider
{
    public static VmDecision Decide(VmState state, VmCommand command) => command switch
    {
        VmCommand.Start => Change(state, "start", [VmLifecycle.Created, VmLifecycle.Stopped], VmLifecycle.Running),
        VmCommand.Pause => Change(state, "pause", [VmLifecycle.Running], VmLifecycle.Paused),
        VmCommand.Resume => Change(state, "resume", [VmLifecycle.Paused], VmLifecycle.Running),
        VmCommand.Stop => Change(
            state, "stop", [VmLifecycle.Running, VmLifecycle.Paused], VmLifecycle.Stopped),
        VmCommand.TakeSnapshot => TakeSnapshot(state),
        VmCommand.Delete delete => Delete(state, delete),
        VmCommand.Input input => TakeInput(state, input),
        VmCommand.BeginMove move => BeginMove(state, move),
        VmCommand.AbortMove abort => AbortMove(state, abort),
        _ => throw new UnreachableException(command.GetType().Name),
    };

    private static VmDecision Change(VmState state, string verb, ImmutableArray<VmLifecycle> from, VmLifecycle to)
    {
        if (state.Move is { } move)
        {
            return Busy(state, verb, move);
        }

        if (!from.Contains(state.Lifecycle))
        {
            return Refused(
                RefusalKind.State,
                $"{state.Vm} to be {string.Join(" or ", from)} for {verb}",
                Describe(state),
                Advice(state.Lifecycle));
        }

        return new VmDecision.Accepted(
            [new JournalEvent.LifecycleChanged(state.Lifecycle, to, End: null)],
            VcpuEvents: [],
            $"{state.Vm} is {to} at VM time {state.VmTime}.");
    }

    /// <summary>Which snapshot it is, the journal says once its state is known.</summary>
    private static VmDecision TakeSnapshot(VmState state) =>
        state.Move is { } move ? Busy(state, "save", move)
        : state.Lifecycle is VmLifecycle.Ended or VmLifecycle.Quarantined ? Refused(
            RefusalKind.State,
            $"{state.Vm} to be Created, Running, Paused or Stopped to be saved",
            Describe(state),
            Advice(state.Lifecycle))
        : new VmDecision.Accepted([], VcpuEvents: [], $"{state.Vm} at VM time {state.VmTime}.");

    private static VmDecision Delete(VmState state, VmCommand.Delete delete) =>
        state.Move is { } move ? Busy(state, "delete", move)
        : state.Lifecycle is VmLifecycle.Running or VmLifecycle.Paused && !delete.Force ? Refused(
            RefusalKind.State,
            $"{state.Vm} to be Created, Stopped or Ended to be deleted",
            Describe(state),
            "Stop it first with: vm stop, or say --force.")
        : new VmDecision.Accepted([], VcpuEvents: [], $"{state.Vm} is deleted.");

    private static VmDecision TakeInput(VmState state, VmCommand.Input input)
    {
        if (input.Bytes.Length is 0 or > VmCommand.InputBytesMax)
        {
            return Refused(
                RefusalKind.Invalid,
                $"1 to {VmCommand.InputBytesMax} bytes of console input",
                $"{input.Bytes.Length}",
                "Send longer input as several commands.");
        }

        return state.Lifecycle == VmLifecycle.Running
            ? new VmDecision.Accepted(
                [new JournalEvent.InputArrived(input.Bytes)], VcpuEvents: [], $"{input.Bytes.Length} bytes taken.")
            : Refused(
                RefusalKind.State,
                $"{state.Vm} to be Running to take console input",
                Describe(state),
                Advice(state.Lifecycle));
    }

    private static VmDecision BeginMove(VmState state, VmCommand.BeginMove move)
    {
        if (state.Move is { } other)
        {
            return Busy(state, "migrate", other);
        }

        if (state.Lifecycle is VmLifecycle.Ended or VmLifecycle.Quarantined)
        {
            return Refused(
                RefusalKind.State,
                $"{state.Vm} to be Created, Running, Paused or Stopped to be moved",
                Describe(state),
                Advice(state.Lifecycle));
        }

        NodeId from = state.Node
            ?? throw new InvalidOperationException($"Expected {state.Vm} to be placed before it moves, found no node.");
        if (from == move.To)
        {
            return Refused(
                RefusalKind.State, $"a target other than the node of {state.Vm}", $"{from}", "Nothing has to be done.");
        }

        JournalEvent started = new JournalEvent.MigrationStarted(move.Migration, from, move.To);
        return new VmDecision.Accepted([started], [started], $"{state.Vm} moves to {move.To}.");
    }

    private static VmDecision AbortMove(VmState state, VmCommand.AbortMove abort)
    {
        if (state.Move is not { } move || move.Migration != abort.Migration)
        {
            return Refused(
                RefusalKind.State,
                $"migration {abort.Migration} of {state.Vm} to be under way",
                state.Move is null ? "none" : $"{state.Move.Migration}",
                "Nothing has to be done.");
        }

        JournalEvent aborted = new JournalEvent.MigrationAborted(abort.Migration, abort.Reason);
        return new VmDecision.Accepted([aborted], [aborted], $"The move of {state.Vm} was given up: {abort.Reason}");
    }

    private static VmDecision.Refused Busy(VmState state, string verb, VmMove move) => new(new Refusal(
        RefusalKind.Busy,
        $"no move of {state.Vm} to be under way for {verb}",
        $"migration {move.Migration} to {move.To}",
        "Send the command again when the move is over."));

    private static VmDecision.Refused Refused(RefusalKind kind, string expected, string found, string whatToDo) =>
        new(new Refusal(kind, expected, found, whatToDo));

    private static string Describe(VmState state) => state switch
    {
        { Lifecycle: VmLifecycle.Ended, End: { } end } => $"Ended ({end.Describe()})",
        { Lifecycle: VmLifecycle.Quarantined } => $"Quarantined ({state.QuarantineReason})",
        _ => state.Lifecycle.ToString(),
    };

    private static string Advice(VmLifecycle lifecycle) => lifecycle switch
    {
        VmLifecycle.Created => "Start it with: vm start.",
        VmLifecycle.Running => "It runs; pause or stop it first.",
        VmLifecycle.Paused => "Resume it with: vm resume.",
        VmLifecycle.Stopped => "Start it with: vm start.",
        VmLifecycle.Ended => "A VM that came to its end runs no further; create another one.",
        VmLifecycle.Quarantined => "See why with vm show, and give it back to service with vm release.",
    };
}
