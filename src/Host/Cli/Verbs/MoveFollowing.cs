// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Control;
using KvmActors.Host.Control.V1;
using KvmActors.Host.Rpc;

namespace KvmActors.Host.Cli.Verbs;

/// <summary>Shows how far a move is while it is waited for, where standard error is a terminal.</summary>
internal sealed class MoveFollowing(ControlClient client, CliTerminal terminal)
{
    private static readonly TimeSpan s_every = TimeSpan.FromMilliseconds(200);

    /// <summary>Returns when the move is over, however it ended.</summary>
    public async Task FollowAsync(string vm, Task moving, CancellationToken stop)
    {
        if (!terminal.IsErrorTerminal)
        {
            return;
        }

        VerbProgress progress = new(terminal);
        while (await Task.WhenAny(moving, Task.Delay(s_every, stop)).ConfigureAwait(false) != moving
            && !stop.IsCancellationRequested)
        {
            if (await TryShowAsync(vm, stop).ConfigureAwait(false) is { Move: { } move })
            {
                progress.Show(MoveText.Of(move));
            }
        }

        progress.Clear();
    }

    private async Task<VmStatus?> TryShowAsync(string vm, CancellationToken stop)
    {
        try
        {
            return await client.CallAsync(ControlMethods.ShowVm, new ShowVmRequest { Name = vm }, stop)
                .ConfigureAwait(false);
        }
        catch (RpcException)
        {
            // Whether the move fails, its own answer says.
            return null;
        }
    }
}
