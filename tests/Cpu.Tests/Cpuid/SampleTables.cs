// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Formats;

namespace KvmActors.Cpu.Tests.Cpuid;

/// <summary>The dumps of real server CPUs in samples/cpuid, read once.</summary>
internal static class SampleTables
{
    public static CpuidTable Epyc { get; } = CpuidText.Read(Text("amd-epyc-9334.txt"));

    public static CpuidTable Xeon { get; } = CpuidText.Read(Text("intel-xeon-platinum-9242.txt"));

    public static string Text(string file) =>
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "samples", "cpuid", file));
}
