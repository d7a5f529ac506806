// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;

namespace KvmActors.Actors.Kernel;

/// <summary>What became of a question.</summary>
public abstract record AskResult<T>
{
    private AskResult()
    {
    }

    public sealed record Answered(T Value) : AskResult<T>;

    /// <summary>No answer in time. The question may have been handled, or may still be.</summary>
    public sealed record TimedOut(string Recipient, TimeSpan After) : AskResult<T>;

    /// <summary>The question was not handled and will not be: the mailbox was full, or the actor has stopped.</summary>
    public sealed record Refused(string Recipient, TellResult Reason) : AskResult<T>;

    /// <summary>The recipient threw while it handled the question: how much it did is unknown.</summary>
    public sealed record Failed(string Recipient, Exception Cause) : AskResult<T>;

    /// <summary>The answer is not a <typeparamref name="T"/>.</summary>
    public sealed record Unexpected(string Recipient, object Answer) : AskResult<T>;

    /// <exception cref="AskException">There is no answer of the type expected.</exception>
    public T ValueOrThrow() => this switch
    {
        Answered answered => answered.Value,
        TimedOut late => throw new AskException(
            AskOutcome.TimedOut,
            $"{late.Recipient} gave no answer within {late.After}. It may still handle the message."),
        Refused refused => throw new AskException(
            AskOutcome.Refused, $"{refused.Recipient} did not take the message: {refused.Reason}."),
        Failed failed => throw new AskException(
            AskOutcome.Failed, $"{failed.Recipient} failed on the message: {failed.Cause.Message}", failed.Cause),
        Unexpected unexpected => throw new AskException(
            AskOutcome.Unexpected,
            $"{unexpected.Recipient} was expected to answer {typeof(T)}, and answered {unexpected.Answer.GetType()}."),
        _ => throw new UnreachableException($"An unknown result of Ask: {this}."),
    };
}
