// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Replay;
using KvmActors.Cpu;
using KvmActors.Host.Debug;
using KvmActors.Machine;

namespace KvmActors.Host.Tests.Debug;

/// <summary>A guest that runs until it is interrupted.</summary>
internal sealed class BlockingTarget(IDebugTarget inner) : IDebugTarget
{
    private readonly TaskCompletionSource _running = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Done once it runs.</summary>
    public Task Running => _running.Task;

    /// <summary>Done once it was interrupted.</summary>
    public Task Stopped => _stopped.Task;

    public int VcpuCount => inner.VcpuCount;

    public Moment Now => inner.Now;

    public Moment Start => inner.Start;

    public Moment End => inner.End;

    public MachineState State => inner.State;

    public ulong InstructionsRetired => inner.InstructionsRetired;

    public void Dispose() => inner.Dispose();

    public int ReadVirtual(int vcpu, Gva start, Span<byte> destination) => inner.ReadVirtual(vcpu, start, destination);

    public int ReadPhysical(Gpa start, Span<byte> destination) => inner.ReadPhysical(start, destination);

    public Gpa? Translate(int vcpu, Gva address) => inner.Translate(vcpu, address);

    public Task<DebugStop> GoToAsync(Moment moment, CancellationToken interrupt) => inner.GoToAsync(moment, interrupt);

    public IReadOnlyList<ReplayEvent> EventsAround(int before, int behind) => inner.EventsAround(before, behind);

    public async Task<DebugStop> RunAsync(DebugRun run, CancellationToken interrupt)
    {
        TaskCompletionSource asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using CancellationTokenRegistration registration = interrupt.Register(asked.SetResult);
        _running.TrySetResult();
        await asked.Task;
        _stopped.TrySetResult();
        return new DebugStop.Interrupted(0);
    }
}
