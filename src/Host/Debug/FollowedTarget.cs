// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Replay;
using KvmActors.Cpu;
using KvmActors.Machine;

namespace KvmActors.Host.Debug;

/// <summary>A VM that lives, as a debugger's target: its past, and where that ends, what it does next.</summary>
/// <remarks>The debugger looks at a replica, never at the VM. Where the replica has come to the end of the journal and
/// is to go on, the VM is released, and the replica follows its journal; when that stops, the VM is held again, a
/// bit ahead of what the debugger shows.</remarks>
/// <param name="past">Belongs to this from now on.</param>
/// <param name="vm">Held already.</param>
/// <param name="clock">For the waits between two looks at the journal.</param>
internal sealed class FollowedTarget(TimelineTarget past, ILiveVm vm, TimeProvider clock) : IDebugTarget
{
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(20);

    public int VcpuCount => past.VcpuCount;

    public Moment Now => past.Now;

    public Moment Start => past.Start;

    public Moment End => past.End;

    public MachineState State => past.State;

    public ulong InstructionsRetired => past.InstructionsRetired;

    public void Dispose() => past.Dispose();

    public int ReadVirtual(int vcpu, Gva start, Span<byte> destination) => past.ReadVirtual(vcpu, start, destination);

    public int ReadPhysical(Gpa start, Span<byte> destination) => past.ReadPhysical(start, destination);

    public Gpa? Translate(int vcpu, Gva address) => past.Translate(vcpu, address);

    public Task<DebugStop> GoToAsync(Moment moment, CancellationToken interrupt) => past.GoToAsync(moment, interrupt);

    public IReadOnlyList<ReplayEvent> EventsAround(int before, int behind) => past.EventsAround(before, behind);

    public async Task<DebugStop> RunAsync(DebugRun run, CancellationToken interrupt)
    {
        DebugStop stop = await past.RunAsync(run, interrupt).ConfigureAwait(false);
        return stop is DebugStop.AtEnd && !run.IsReverse && !past.HasEnded
            ? await FollowAsync(run, stop, interrupt).ConfigureAwait(false)
            : stop;
    }

    private async Task<DebugStop> FollowAsync(DebugRun run, DebugStop stop, CancellationToken interrupt)
    {
        try
        {
            while (stop is DebugStop.AtEnd && !past.HasEnded)
            {
                if (interrupt.IsCancellationRequested)
                {
                    return new DebugStop.Interrupted(stop.Vcpu);
                }

                // The interrupt stops the debugger's run; what an order to the VM does is not left halfway.
                await vm.ReleaseAsync(CancellationToken.None).ConfigureAwait(false);
                if (run.SteppedVcpu is not null)
                {
                    // A journal tells what a VM did about once a second, and when it is paused: a step does not wait.
                    await vm.HoldAsync(CancellationToken.None).ConfigureAwait(false);
                }

                stop = await past.ExtendAsync(CancellationToken.None).ConfigureAwait(false) || past.HasEnded
                    ? await past.RunAsync(run, interrupt).ConfigureAwait(false)
                    : await WaitAsync(stop, interrupt).ConfigureAwait(false);
            }

            return stop;
        }
        finally
        {
            await vm.HoldAsync(CancellationToken.None).ConfigureAwait(false);
            await past.ExtendAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    private async Task<DebugStop> WaitAsync(DebugStop stop, CancellationToken interrupt)
    {
        await Task.Delay(s_look, clock, interrupt).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return stop;
    }
}
