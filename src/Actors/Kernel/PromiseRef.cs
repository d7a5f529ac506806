// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>The sender of one question: takes the first answer, and is dead afterwards.</summary>
internal sealed class PromiseRef<T> : ActorRef
{
    private readonly ActorSystem _system;
    private readonly ActorRef _recipient;
    private readonly TimeSpan _timeout;

    private readonly Completion<AskResult<T>> _answer = new();
    private ITimer? _timer;
    private CancellationTokenRegistration _cancellation;

    private PromiseRef(ActorSystem system, ActorRef recipient, TimeSpan timeout)
    {
        _system = system;
        _recipient = recipient;
        _timeout = timeout;
    }

    public override string Path => $"/ask/{_recipient.Path}";

    internal static Task<AskResult<T>> AskAsync(
        ActorSystem system,
        ActorCell recipient,
        object message,
        TimeSpan timeout,
        Lane lane,
        CancellationToken cancellationToken)
    {
        if (timeout <= TimeSpan.Zero)
        {
            throw new ArgumentOutOfRangeException(nameof(timeout), timeout, "A question needs a time limit.");
        }

        PromiseRef<T> promise = new(system, recipient, timeout);
        promise._timer = system.Clock.CreateTimer(
            static state => ((PromiseRef<T>)state!).OnTimeout(), promise, timeout, Timeout.InfiniteTimeSpan);
        promise._cancellation = cancellationToken.UnsafeRegister(
            static (state, token) => ((PromiseRef<T>)state!).OnCanceled(token), promise);
        TellResult told = recipient.Tell(message, promise, lane);
        if (told != TellResult.Accepted)
        {
            promise.OnUndelivered(recipient, told);
        }

        // The answer may have come before the timer was known here.
        if (promise._answer.IsCompleted)
        {
            promise.Release();
        }

        return promise._answer.WaitAsync();
    }

    public override TellResult Tell(object message, ActorRef? sender = null, Lane lane = Lane.User)
    {
        ArgumentNullException.ThrowIfNull(message);
        AskResult<T> result = message is T value
            ? new AskResult<T>.Answered(value)
            : new AskResult<T>.Unexpected(_recipient.Path, message);
        if (TryComplete(result))
        {
            return TellResult.Accepted;
        }

        _system.DeadLetters.Publish(new DeadLetter(this, sender, message, DeadLetterReason.AskOver));
        return TellResult.Stopped;
    }

    public override Task<AskResult<TAnswer>> TryAsk<TAnswer>(
        object message, TimeSpan timeout, Lane lane = Lane.User, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException($"{Path} only takes the answer to a question; it cannot be asked.");

    internal override void OnUndelivered(ActorRef recipient, TellResult reason) =>
        TryComplete(new AskResult<T>.Refused(recipient.Path, reason));

    internal override void OnRecipientFailed(ActorRef recipient, Exception failure) =>
        TryComplete(new AskResult<T>.Failed(recipient.Path, failure));

    private bool TryComplete(AskResult<T> result)
    {
        if (!_answer.TrySet(result))
        {
            return false;
        }

        Release();
        return true;
    }

    private void OnTimeout() => TryComplete(new AskResult<T>.TimedOut(_recipient.Path, _timeout));

    private void OnCanceled(CancellationToken token)
    {
        if (_answer.TryCancel(token))
        {
            Release();
        }
    }

    private void Release()
    {
        _timer?.Dispose();
        _cancellation.Unregister();
    }
}
