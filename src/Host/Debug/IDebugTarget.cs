// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Replay;
using KvmActors.Cpu;
using KvmActors.Machine;

namespace KvmActors.Host.Debug;

/// <summary>A guest as a debugger sees it: it stands at a moment of its life, can be read there, and can be taken to
/// other moments. Nothing in it can be changed.</summary>
/// <remarks>Not thread-safe: one call at a time, from any thread.</remarks>
internal interface IDebugTarget : IDisposable
{
    int VcpuCount { get; }

    Moment Now { get; }

    Moment Start { get; }

    Moment End { get; }

    /// <summary>Everything but memory, as it is now.</summary>
    MachineState State { get; }

    /// <summary>Instructions of all vCPUs until now.</summary>
    ulong InstructionsRetired { get; }

    /// <summary>Reads through the vCPU's page tables, with no privilege and no effect on the guest.</summary>
    /// <returns>How many bytes could be read, from the first on.</returns>
    int ReadVirtual(int vcpu, Gva start, Span<byte> destination);

    /// <returns>How many bytes could be read, from the first on.</returns>
    int ReadPhysical(Gpa start, Span<byte> destination);

    /// <summary>Where the vCPU's page tables put an address; null where they do not.</summary>
    Gpa? Translate(int vcpu, Gva address);

    /// <summary>Goes on, or back, until something that <paramref name="run"/> asks for. The token ends it with
    /// <see cref="DebugStop.Interrupted"/>, at some moment on the way.</summary>
    Task<DebugStop> RunAsync(DebugRun run, CancellationToken interrupt);

    /// <summary>Goes to a moment between <see cref="Start"/> and <see cref="End"/>.</summary>
    Task<DebugStop> GoToAsync(Moment moment, CancellationToken interrupt);

    /// <summary>Journaled events about now, in replay order.</summary>
    /// <param name="before">How many at or before now.</param>
    /// <param name="behind">How many behind it.</param>
    IReadOnlyList<ReplayEvent> EventsAround(int before, int behind);
}
