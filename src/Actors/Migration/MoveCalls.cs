// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Vm;

namespace KvmActors.Actors.Migration;

/// <summary>What the source of a move asks its VM actor and its target; a failure is a refusal.</summary>
internal sealed class MoveCalls(VmServices services, ActorRef vm, MigrationPlan plan)
{
    /// <summary>Longest wait for one answer of the VM actor: a commit whose outcome is unknown may take as long as the
    /// store is away, and until then nothing is decided.</summary>
    private static readonly TimeSpan s_stepMax = TimeSpan.FromMinutes(10);

    /// <summary>A cancellation ends it early, until <see cref="SendToTheEndAsync"/>.</summary>
    public async Task<MigrationAnswer> SendAsync(MigrationMessage message, CancellationToken stop)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, plan.Watch.Cancelled);
        try
        {
            return await SendToTheEndAsync(message, either.Token);
        }
        catch (OperationCanceledException) when (plan.Watch.Cancelled.IsCancellationRequested
            && !stop.IsCancellationRequested)
        {
            return new MigrationAnswer.Refused(Cancelled());
        }
    }

    public async Task<MigrationAnswer> SendToTheEndAsync(MigrationMessage message, CancellationToken stop)
    {
        try
        {
            return await LinkCalls.SendAsync(services, plan.Target.Endpoint, message, stop);
        }
        catch (LinkException failure)
        {
            return new MigrationAnswer.Refused(new Refusal(
                RefusalKind.Unavailable,
                $"an answer of {plan.Target.Id} to {message.GetType().Name}",
                failure.Message,
                "Look at: cluster status."));
        }
    }

    public async Task<MoveStep> AskVmAsync(VmMessage message, CancellationToken stop)
    {
        AskResult<MoveStep> result = await vm.TryAsk<MoveStep>(message, s_stepMax, Lane.Control, stop);
        return result is AskResult<MoveStep>.Answered answered
            ? answered.Value
            : new MoveStep.Refused(new Refusal(
                RefusalKind.Unavailable,
                $"the actor of {plan.Key.Vm} to take part in its move",
                $"{result.GetType().Name}",
                "Look at: vm show."));
    }

    /// <summary>Waits, unless the move is cancelled.</summary>
    public async Task DelayAsync(TimeSpan pause, CancellationToken stop)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, plan.Watch.Cancelled);
        try
        {
            await services.Clock.DelayAsync(pause, either.Token);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            // The next step says so.
        }
    }

    /// <returns>Null while nobody has cancelled the move.</returns>
    public Refusal? FaultIfCancelled() => plan.Watch.Cancelled.IsCancellationRequested ? Cancelled() : null;

    public static Refusal? FaultIn(MigrationAnswer answer) => (answer as MigrationAnswer.Refused)?.Why;

    public static Refusal? FaultIn(MoveStep step) => step switch
    {
        MoveStep.Refused refused => refused.Why,
        MoveStep.Lost => new Refusal(
            RefusalKind.Unavailable, "this node to own the VM", "another owner", "Send the command again."),
        _ => null,
    };

    private Refusal Cancelled() => new(
        RefusalKind.State,
        $"the move of {plan.Key.Vm} to {plan.Target.Id} to come to its end",
        "it cancelled",
        "Ask for it again with: vm migrate.");
}
