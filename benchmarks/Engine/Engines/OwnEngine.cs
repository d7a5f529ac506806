// SPDX-License-Identifier: Apache-2.0

using System.Text;
using KvmActors.Benchmarks.Engine.Guests;
using KvmActors.Cpu;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Models;
using KvmActors.Cpu.Cpuid.Vetting;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine;
using KvmActors.Machine.Loaders;
using KvmActors.Machine.Time;

namespace KvmActors.Benchmarks.Engine.Engines;

/// <summary>This project's machine, as <c>kvmactors run</c> has it, in this process.</summary>
internal sealed class OwnEngine(string name, EngineOptions options) : IGuestEngine
{
    public static MachineSpec Spec { get; } =
        new(1, GuestLayout.MemoryBytes, HypercallPatchPolicy.Auto, MachineSpec.TurnTicksDefault);

    public static CpuidTable Table { get; } = CpuidVetting.CutToEngine(CpuidModels.Find("x86-64-v2")!.Table);

    public string Name => name;

    public bool Interprets => options.Choice == EngineChoice.Interpreter;

    public GuestRun Run(byte[] image)
    {
        TimeSpan start = Environment.CpuUsage.TotalTime;
        using VirtualMachine machine = Create(image);
        string result = RunToEnd(machine);
        double seconds = (Environment.CpuUsage.TotalTime - start).TotalSeconds;
        return new GuestRun(result, seconds, machine.InstructionsRetired);
    }

    public VirtualMachine Create(byte[] image) => VirtualMachine.Create(
        Spec, [Table], HostVendor.Intel, BootImageLoader.Load(image, commandLine: ""), options);

    /// <returns>The console.</returns>
    /// <exception cref="InvalidOperationException">The guest came to another end than its own.</exception>
    public static string RunToEnd(VirtualMachine machine)
    {
        StringBuilder console = new();
        SliceLimits limits = new(ulong.MaxValue, static () => false);
        SliceResult slice;
        do
        {
            slice = machine.RunSlice(limits);
            _ = console.Append(Encoding.ASCII.GetString(slice.Console.Span));
        }
        while (slice.Stop == SliceStop.Yielded);

        return machine.End is MachineEnd.DebugExit { Value: GuestImage.ExitValue }
            ? console.ToString()
            : throw new InvalidOperationException(
                $"Expected the guest to end itself, found {machine.End?.Describe() ?? slice.Stop.ToString()}");
    }
}
