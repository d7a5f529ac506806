// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Kernel;
using Xunit;

namespace KvmActors.Actors.Tests.Kernel;

public sealed class SmokeTests
{
    [Fact]
    public async Task A_question_is_answered()
    {
        await using ActorSystem system = new("test", new ActorSystemOptions(TaskScheduler.Default, TimeProvider.System));
        ActorRef echo = system.Spawn("echo", Props.Of(() => new Echo()));

        string answer = await echo.Ask<string>("hello", TimeSpan.FromSeconds(5));

        Assert.Equal("hello", answer);
        Assert.Equal("/user/echo", echo.Path);
        Assert.Same(echo, system.Find("/user/echo"));
        Assert.True((await system.ShutdownAsync(TimeSpan.FromSeconds(5))).IsClean);
        Assert.Equal(0, system.ActorCount);
    }

    private sealed class Echo : Actor
    {
        public override async ValueTask ReceiveAsync(object message)
        {
            await Task.Yield();
            Context.Reply(message);
        }
    }
}
