// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Hypercalls;

namespace KvmActors.Host.Configuration;

/// <summary>Keys below <c>kvmactors.vm</c>; <c>hocon/reference.conf</c> tells what each means.</summary>
/// <param name="IdleSkips">Jump to the next timer instead of waiting for it.</param>
internal sealed record VmOptions(
    TimeSpan Slice,
    ulong TurnTicks,
    bool IdleSkips,
    HypercallPatchPolicy PatchPolicy,
    ulong MemoryBytes,
    int ConsoleBufferBytes);
