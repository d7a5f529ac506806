// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Kernel;

namespace KvmActors.Actors.Vm;

/// <summary>Gives a slice runner back, if it is something to be given back.</summary>
internal static class RunnerEnd
{
    public static async ValueTask DisposeAsync(ISliceRunner runner)
    {
        if (runner is IAsyncDisposable asynchronous)
        {
            await asynchronous.DisposeAsync();
        }
        else if (runner is IDisposable disposable)
        {
            disposable.Dispose();
        }
    }
}
