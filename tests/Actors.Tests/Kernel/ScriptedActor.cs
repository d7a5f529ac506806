// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Kernel;

namespace KvmActors.Actors.Tests.Kernel;

/// <summary>An actor whose behaviour is a lambda of the test.</summary>
internal sealed class ScriptedActor(Func<IActorContext, object, ValueTask> receive) : Actor
{
    public Action<IActorContext>? OnStart { get; init; }

    public Action<IActorContext>? OnStop { get; init; }

    public static Props Props(Action<IActorContext, object> receive) =>
        new(() => new ScriptedActor(Synchronously(receive)));

    public static Func<IActorContext, object, ValueTask> Synchronously(Action<IActorContext, object> receive) =>
        (context, message) =>
        {
            receive(context, message);
            return ValueTask.CompletedTask;
        };

    public override ValueTask ReceiveAsync(object message) => receive(Context, message);

    public override ValueTask PreStartAsync()
    {
        OnStart?.Invoke(Context);
        return ValueTask.CompletedTask;
    }

    public override ValueTask PostStopAsync()
    {
        OnStop?.Invoke(Context);
        return ValueTask.CompletedTask;
    }
}
