// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Formats;
using KvmActors.Cpu.Cpuid.Vetting;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine;
using KvmActors.Machine.Loaders;
using KvmActors.Samples.Guests;

namespace KvmActors.Host.Tests.Debug;

/// <summary>A short life of <see cref="DuetGuest"/>, recorded the plain way.</summary>
internal static class DuetRecording
{
    private const int Rounds = 50;
    private const ulong Enough = 20_000;
    private const ulong TurnTicks = 100;

    private static readonly Lazy<IReadOnlyList<(int Vcpu, Gva Rip)>> s_steps =
        new(() => SteppedTarget.Record(Create, Enough));

    public static CpuidTable Cpuid { get; } = CpuidVetting.CutToEngine(
        CpuidText.Read(File.ReadAllText(Path.Combine(Repository.Root, "samples", "cpuid", "amd-epyc-9334.txt"))));

    /// <summary>The guest at its start.</summary>
    public static SteppedTarget Open() => new(Create, s_steps.Value);

    private static VirtualMachine Create() => VirtualMachine.Create(
        new MachineSpec(DuetGuest.VcpuCount, 4 << 20, HypercallPatchPolicy.Auto, TurnTicks),
        [.. Enumerable.Repeat(Cpuid, DuetGuest.VcpuCount)],
        HostVendor.Intel,
        BootImageLoader.Load(DuetGuest.Build(Rounds), commandLine: ""));
}
