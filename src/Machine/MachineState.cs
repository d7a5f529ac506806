// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Cpu.State;
using KvmActors.Machine.Devices;

namespace KvmActors.Machine;

/// <summary>All that a VM and its vCPUs own at one VM time, but memory: see <c>VirtualMachine.Save</c>.</summary>
/// <param name="VmTime">Ticks since creation; a tick is one nanosecond of guest time and one retired
/// instruction.</param>
/// <param name="Turn">Whose turn it is.</param>
/// <param name="Runner">Who runs in that turn: another vCPU after a yield to it.</param>
/// <param name="TurnTicksLeft">What is left of that turn.</param>
/// <param name="ConsoleBytes">Bytes the console has put out since creation.</param>
/// <param name="End">How the VM ended, or null while it can run.</param>
/// <param name="Platform">The devices.</param>
/// <param name="PatchSites">The latest patch of each site, by ascending GPA.</param>
public sealed record MachineState(
    ulong VmTime,
    HostVendor HostVendor,
    int Turn,
    int Runner,
    ulong TurnTicksLeft,
    ulong ConsoleBytes,
    MachineEnd? End,
    ImmutableArray<VcpuState> Vcpus,
    PlatformState Platform,
    ImmutableArray<HypercallPatch> PatchSites);
