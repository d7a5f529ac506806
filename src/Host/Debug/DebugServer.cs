// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Replay;
using KvmActors.Host.Cli;
using KvmActors.Host.Cli.Verbs;
using KvmActors.Host.Control;
using KvmActors.Persistence;

namespace KvmActors.Host.Debug;

/// <summary>What <c>debug gdb</c> does: opens a VM's past, holds the VM where it is asked to, serves gdb, and leaves
/// the VM as it found it.</summary>
internal sealed class DebugServer(DebugOptions options, CliTerminal terminal)
{
    /// <exception cref="CliFault">There is no such VM or moment, or the port is taken.</exception>
    /// <exception cref="OperationCanceledException">The token ended it.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        await using IStore store = await JournalVerbs.OpenAsync(options.Store, stop).ConfigureAwait(false);
        await JournalVerbs.RowsAsync(store, options.Vm, withVcpus: true, stop).ConfigureAwait(false);
        using GdbServer server = new(options.Port, Notice);
        if (options.Connect is null)
        {
            using TimelineTarget target = await OpenAsync(store, stop).ConfigureAwait(false);
            await ServeAsync(server, target, stop).ConfigureAwait(false);
            return;
        }

        using ControlClient client = options.Connect();
        LiveVm vm = new(client, options.Vm);
        bool hasRun = await vm.IsRunningAsync(stop).ConfigureAwait(false);
        await vm.HoldAsync(stop).ConfigureAwait(false);
        try
        {
            using FollowedTarget target = new(
                await OpenAsync(store, stop).ConfigureAwait(false), vm, TimeProvider.System);
            await ServeAsync(server, target, stop).ConfigureAwait(false);
        }
        finally
        {
            if (hasRun)
            {
                await vm.ReleaseAsync(CancellationToken.None).ConfigureAwait(false);
            }
        }
    }

    private async Task<TimelineTarget> OpenAsync(IStore store, CancellationToken stop) => new(
        await Timeline.OpenAsync(store, VmId.Parse(options.Vm), TimeProvider.System, stop).ConfigureAwait(false));

    private async Task ServeAsync(GdbServer server, IDebugTarget target, CancellationToken stop)
    {
        await target.GoToAsync(MomentText.Parse(options.At, target.Start, target.Now, target.End), stop)
            .ConfigureAwait(false);
        stop.ThrowIfCancellationRequested();
        var report = DebugReport.Of(options.Vm, target, options.Layout, server.Port);
        if (options.IsJson)
        {
            CliJson.Write(terminal.Out, report);
        }
        else
        {
            terminal.Out.Write(report.Text(target, options.Layout));
        }

        await server.ServeAsync(() => new GdbSession(target, options.Layout, Notice), stop).ConfigureAwait(false);
    }

    private void Notice(string line) => terminal.Error.WriteLine($"kvmactors: {line}");
}
