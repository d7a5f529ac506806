// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Kernel;

namespace KvmActors.TestKit;

/// <summary>An actor that a test holds in its hand: it keeps what it is sent, and the test says what it
/// expects.</summary>
/// <remarks>Waits by the system's clock, so it works in real and in virtual time: in the latter, run the test inside
/// <see cref="Simulation.SimulatedWorld.Run(Func{Task})"/>. One wait at a time.</remarks>
public sealed class TestProbe
{
    /// <summary>How long an expectation waits unless it says otherwise.</summary>
    public static readonly TimeSpan WaitDefault = TimeSpan.FromSeconds(3);

    /// <summary>Messages a probe keeps for the test to look at.</summary>
    public const int MessagesMax = 65_536;

    private readonly TimeProvider _clock;
    private readonly ProbeInbox _inbox = new();
    private DateTimeOffset? _deadline;

    /// <param name="name">The probe's name in the system; null: the system gives one.</param>
    public TestProbe(ActorSystem system, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(system);
        _clock = system.Clock;
        Props props = Props.Of(() => new ProbeActor(_inbox)) with
        {
            MailboxCapacity = MessagesMax,
            ControlCapacity = MessagesMax,
        };
        Ref = name is null ? system.SpawnAnonymous(props) : system.Spawn(name, props);
    }

    /// <summary>Where to send what the test waits for.</summary>
    public ActorRef Ref { get; }

    /// <summary>Who sent the message that was expected last.</summary>
    public ActorRef? LastSender { get; private set; }

    /// <summary>Sends a message in the probe's name.</summary>
    public TellResult Send(ActorRef recipient, object message, Lane lane = Lane.User)
    {
        ArgumentNullException.ThrowIfNull(recipient);
        return recipient.Tell(message, Ref, lane);
    }

    /// <summary>Answers <see cref="LastSender"/>.</summary>
    public TellResult Reply(object message) =>
        (LastSender ?? throw new ProbeException($"{Ref}: the last message came without a sender.")).Tell(message, Ref);

    /// <summary>Has the probe receive <see cref="Terminated"/> when <paramref name="actor"/> stops.</summary>
    public void Watch(ActorRef actor) => Ref.Tell(new ProbeActor.WatchThis(actor), Ref, Lane.Control);

    /// <summary>Waits for the next message, which must be a <typeparamref name="T"/>.</summary>
    /// <exception cref="ProbeException">Another message came, or none in time.</exception>
    public async Task<T> ExpectMsgAsync<T>(TimeSpan? within = null)
    {
        TimeSpan wait = Remaining(within);
        ProbeMessage message = await _inbox.TakeAsync(wait, _clock)
            ?? throw Nothing(typeof(T).Name, wait);
        LastSender = message.Sender;
        return message.Message is T expected
            ? expected
            : throw new ProbeException($"{Ref}: expected {typeof(T).Name}, and got {message.Message}.");
    }

    /// <summary>Waits for the next message, which must be equal to <paramref name="expected"/>.</summary>
    public async Task<T> ExpectMsgAsync<T>(T expected, TimeSpan? within = null)
        where T : notnull
    {
        T message = await ExpectMsgAsync<T>(within);
        return message.Equals(expected)
            ? message
            : throw new ProbeException($"{Ref}: expected {expected}, and got {message}.");
    }

    /// <summary>Passes over messages until one is a <typeparamref name="T"/> that fits.</summary>
    public async Task<T> FishForAsync<T>(Func<T, bool> fits, TimeSpan? within = null)
    {
        ArgumentNullException.ThrowIfNull(fits);
        TimeSpan wait = Remaining(within);
        long start = _clock.GetTimestamp();
        List<object> passed = [];
        while (true)
        {
            TimeSpan left = wait - _clock.GetElapsedTime(start);
            ProbeMessage? next = left > TimeSpan.Zero ? await _inbox.TakeAsync(left, _clock) : null;
            if (next is null)
            {
                throw new ProbeException(
                    $"{Ref}: fished {wait} for a {typeof(T).Name} that fits, "
                    + $"and passed over [{string.Join(", ", passed)}].");
            }

            if (next.Message is T message && fits(message))
            {
                LastSender = next.Sender;
                return message;
            }

            passed.Add(next.Message);
        }
    }

    /// <summary>Waits this long, in which nothing may come.</summary>
    public async Task ExpectNoMsgAsync(TimeSpan during)
    {
        if (await _inbox.TakeAsync(Remaining(during), _clock) is { } message)
        {
            throw new ProbeException($"{Ref}: expected nothing for {during}, and got {message.Message}.");
        }
    }

    /// <summary>Waits for <paramref name="actor"/>, which is watched, to stop.</summary>
    public async Task ExpectTerminatedAsync(ActorRef actor, TimeSpan? within = null)
    {
        Terminated gone = await ExpectMsgAsync<Terminated>(within);
        if (!ReferenceEquals(gone.Actor, actor))
        {
            throw new ProbeException($"{Ref}: expected the end of {actor}, and got that of {gone.Actor}.");
        }
    }

    /// <summary>All expectations inside <paramref name="body"/> together take at most
    /// <paramref name="most"/>.</summary>
    public async Task<T> WithinAsync<T>(TimeSpan most, Func<Task<T>> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        DateTimeOffset? outer = _deadline;
        DateTimeOffset mine = _clock.GetUtcNow() + most;
        _deadline = outer < mine ? outer : mine;
        try
        {
            T result = await body();
            return _clock.GetUtcNow() <= mine
                ? result
                : throw new ProbeException($"{Ref}: what was to take at most {most} took longer.");
        }
        finally
        {
            _deadline = outer;
        }
    }

    /// <summary>As <see cref="WithinAsync{T}"/>, without a result.</summary>
    public Task WithinAsync(TimeSpan most, Func<Task> body) => WithinAsync(most, async () =>
    {
        await body();
        return true;
    });

    private TimeSpan Remaining(TimeSpan? within)
    {
        TimeSpan wait = within ?? WaitDefault;
        if (_deadline is not { } deadline)
        {
            return wait;
        }

        TimeSpan left = deadline - _clock.GetUtcNow();
        TimeSpan bounded = within is { } asked && asked < left ? asked : left;
        return bounded > TimeSpan.Zero ? bounded : TimeSpan.Zero;
    }

    private ProbeException Nothing(string expected, TimeSpan wait) =>
        new($"{Ref}: expected {expected} within {wait}, and got nothing.");
}
