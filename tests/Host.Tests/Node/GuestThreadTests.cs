// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Node;
using KvmActors.Machine.Time;
using KvmActors.Persistence;

namespace KvmActors.Host.Tests.Node;

public sealed class GuestThreadTests : IDisposable
{
    private static readonly SliceResult s_result = new(
        SliceStop.Yielded,
        VmTime: 7,
        InstructionsRetired: 7,
        ConsoleOffset: 0,
        Console: ReadOnlyMemory<byte>.Empty,
        Patches: []);

    private readonly GuestThread _thread = new(VmId.Parse("web"));

    public void Dispose() => _thread.Dispose();

    [Fact]
    public async Task Slices_run_on_one_thread_of_their_own()
    {
        HashSet<int> threads = [];
        for (int i = 0; i < 20; i++)
        {
            SliceResult result = await _thread.RunAsync(
                () =>
                {
                    threads.Add(Environment.CurrentManagedThreadId);
                    return s_result;
                },
                CancellationToken.None);

            Assert.Same(s_result, result);
            Assert.DoesNotContain(Environment.CurrentManagedThreadId, threads);
        }

        Assert.Single(threads);
    }

    [Fact]
    public async Task A_slice_that_throws_ends_alone()
    {
        await Assert.ThrowsAsync<InvalidOperationException>(
            () => _thread.RunAsync(() => throw new InvalidOperationException("lost"), CancellationToken.None));

        Assert.Same(s_result, await _thread.RunAsync(() => s_result, CancellationToken.None));
    }

    [Fact]
    public async Task A_cancelled_slice_never_begins()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        bool hasBegun = false;

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _thread.RunAsync(
            () =>
            {
                hasBegun = true;
                return s_result;
            },
            cancelled.Token));

        Assert.False(hasBegun);
    }

    [Fact]
    public async Task Two_slices_at_a_time_are_refused()
    {
        using var goOn = new ManualResetEventSlim();
        Task<SliceResult> first = _thread.RunAsync(
            () =>
            {
                goOn.Wait();
                return s_result;
            },
            CancellationToken.None);

        await Assert.ThrowsAsync<InvalidOperationException>(
            () => _thread.RunAsync(() => s_result, CancellationToken.None));

        goOn.Set();
        Assert.Same(s_result, await first);
    }

    [Fact]
    public async Task A_slice_under_way_ends_although_its_vm_was_given_up()
    {
        using var goOn = new ManualResetEventSlim();
        Task<SliceResult> last = _thread.RunAsync(
            () =>
            {
                goOn.Wait();
                return s_result;
            },
            CancellationToken.None);
        _thread.Dispose();
        goOn.Set();

        Assert.Same(s_result, await last);
        await Assert.ThrowsAsync<ObjectDisposedException>(
            () => _thread.RunAsync(() => s_result, CancellationToken.None));
    }
}
