// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine;
using KvmActors.Machine.Loaders;

namespace KvmActors.Host.Solo;

/// <summary>What <c>run</c> was asked for.</summary>
/// <param name="Append">Text of the command line behind the image's name, or null.</param>
/// <param name="Initrd">Path of the initial RAM disk, or null.</param>
/// <param name="BootProtocol">Null: as the image says.</param>
/// <param name="HostVendor">Null: that of this machine's CPU.</param>
/// <param name="CpuidFile">Null or "host": the CPUID of this machine's CPU.</param>
/// <param name="Timeout">Null: none.</param>
/// <param name="SerialFile">Null: the serial port goes to stdout.</param>
/// <param name="IsJson">stdout holds one object at the end.</param>
internal sealed record SoloMachineOptions(
    string Image,
    MachineSpec Spec,
    string? Append,
    string? Initrd,
    BootProtocol? BootProtocol,
    HostVendor? HostVendor,
    string? CpuidFile,
    ulong InstructionsMax,
    TimeSpan? Timeout,
    string? SerialFile,
    bool IsJson)
{
    /// <summary>What executes the instructions.</summary>
    public EngineChoice Engine { get; init; }

    /// <summary>Both engines run, and are compared.</summary>
    public bool IsLockstep { get; init; }

    /// <summary>In lockstep, the engine beside the interpreter; null: the translator. For tests.</summary>
    public EngineOptions? LockstepTwin { get; init; }

    /// <summary>What the engine has done is told at the end.</summary>
    public bool ShowsStatistics { get; init; }
}
