// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.Globalization;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Names;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Cpu.Tests.Silicon.Vectors.Recording;

/// <summary>The recorder. KVMACTORS_RECORD_VECTORS names the folder to write to; without it only a few forms are
/// recorded, into memory, and replayed.</summary>
public sealed class SiliconVectorRecording(ITestOutputHelper output)
{
    // Of pools and encodings; vectors have their own numbers.
    private const int SeedDefault = 20_261_122;

    // Without a folder, one form of so many.
    private const int FormsLeftOut = 16;

    private static readonly VectorSet[] s_files =
    [
        new("integer-64", new VectorPlan(64, 20, 64, 4), (source, plan) => source.Integers(plan)),
        new("integer-32", new VectorPlan(32, 14, 56, 4), (source, plan) => source.Integers(plan)),
        new("integer-16", new VectorPlan(16, 10, 56, 4), (source, plan) => source.Integers(plan)),
        new("simd-64", new VectorPlan(64, 16, 64, 4, HasFx: true), (source, plan) => source.Simd(plan)),
        new("simd-32", new VectorPlan(32, 8, 64, 4, HasFx: true), (source, plan) => source.Simd(plan)),
        new("x87-64", new VectorPlan(64, 10, 256, 8, HasFx: true, IsFpu: true), (source, plan) => source.Fpu(plan)),
        new("x87-32", new VectorPlan(32, 6, 160, 8, HasFx: true, IsFpu: true), (source, plan) => source.Fpu(plan)),
        new("x87-16", new VectorPlan(16, 4, 128, 8, HasFx: true, IsFpu: true), (source, plan) => source.Fpu(plan)),
        new("system-64", new VectorPlan(64, 6, 16, 1), (source, plan) => source.System(plan)),
        new("system-32", new VectorPlan(32, 6, 16, 1), (source, plan) => source.System(plan)),
        new("system-16", new VectorPlan(16, 6, 16, 1), (source, plan) => source.System(plan)),
        new("segments-64", new VectorPlan(64, 24, 8, 2), (source, plan) => source.Segments(plan)),
        new("segments-32", new VectorPlan(32, 24, 8, 2), (source, plan) => source.Segments(plan)),
        new("segments-16", new VectorPlan(16, 24, 8, 2), (source, plan) => source.Segments(plan)),
        new("images-64", new VectorPlan(64, 4, 128, 4, HasFx: true), (source, plan) => source.Images(plan)),
        new("images-32", new VectorPlan(32, 4, 128, 4, HasFx: true), (source, plan) => source.Images(plan)),
    ];

    private static readonly string[] s_makersOwn = ["x87", "images", "system", "segments"];

    [Fact]
    public void What_is_recorded_here_and_now_is_what_the_engine_does()
    {
        string? folder = Environment.GetEnvironmentVariable("KVMACTORS_RECORD_VECTORS");
        int seed = int.TryParse(Environment.GetEnvironmentVariable("KVMACTORS_SEED"), out int given)
            ? given
            : SeedDefault;
        output.WriteLine($"KVMACTORS_SEED={seed}");
        Random random = new(seed);
        VectorPools pools = new PoolMaker(random).Make();
        if (folder is not null)
        {
            VectorData.WritePools(pools, Path.Combine(folder, VectorData.PoolsFile));
        }

        List<string> table = [];
        string only = Environment.GetEnvironmentVariable("KVMACTORS_RECORD_ONLY") ?? "";
        foreach ((string name, VectorPlan plan, VectorSet.Shapes from) in s_files.Where(
            file => file.Name.Contains(only, StringComparison.Ordinal)))
        {
            using var native = NativeCpu.TryCreateForVectors(out string whyNot);
            if (native is null
                || (plan.Bits == 32 && !native.Has32Bits())
                || (plan.Bits == 16 && !native.TryMake16Bits(out whyNot)))
            {
                output.WriteLine($"{name}: not run: {(whyNot.Length == 0 ? "no 32-bit code segment" : whyNot)}.");
                continue;
            }

            bool dependsOnMaker = s_makersOwn.Any(kind => name.StartsWith(kind, StringComparison.Ordinal));
            if (dependsOnMaker && HostMaker.WhyNotCompared is { } other)
            {
                output.WriteLine($"{name}: not run: {other}.");
                continue;
            }

            VectorPlan wanted = folder is null ? plan with { Shapes = 1, CountPerShape = 4, FullPerShape = 2 } : plan;
            VectorRecorder recorder = new(native, pools);
            ShapeSource source = new(new Random(seed), folder is null ? FormsLeftOut : 1);
            VectorFile read = Record(name, folder, from(source, wanted), recorder, pools);
            table.Add($"| {name} | {read.Count} | {FormsOf(read)} | {read.Shapes.Count} | "
                + $"{read.Statuses.Count(MachineImage.IsFault)} |");
        }

        if (folder is not null && only.Length == 0)
        {
            WriteReadme(Path.Combine(folder, "README.md"), table);
        }
    }

    private static int FormsOf(VectorFile file) => file.Shapes.Select(shape => shape.Code).Distinct().Count();

    private static void WriteReadme(string path, IEnumerable<string> table) => File.WriteAllText(path, $"""
        # Silicon vectors

        What a CPU did with instructions, for the engine to do the same. Written by the recorder; docs/testing.md says
        how, and what is in the files.

        {string.Join("\n", Header())}

        | File | Vectors | Forms | Encodings | Faults |
        |---|---|---|---|---|
        {string.Join('\n', table)}

        """);

    private VectorFile Record(
        string name, string? folder, IEnumerable<VectorShape> shapes, VectorRecorder recorder, VectorPools pools)
    {
        var clock = Stopwatch.StartNew();
        VectorFile file = recorder.Record(shapes, Header());
        string target = folder ?? Directory.CreateTempSubdirectory("kvmactors-vectors-").FullName;
        string path = Path.Combine(target, name + VectorFile.Extension);
        double seconds = clock.Elapsed.TotalSeconds;
        file.Write(path);
        var read = VectorFile.Read(path);
        long bytes = new FileInfo(path).Length;
        if (folder is null)
        {
            Directory.Delete(target, recursive: true);
        }

        output.WriteLine(
            $"{name}: {read.Count} vectors, {read.Statuses.Count(MachineImage.IsFault)} with a fault, of "
            + $"{FormsOf(read)} forms in {read.Shapes.Count} shapes, {bytes} bytes, {seconds:F1} s; "
            + $"refused {recorder.Refused.Count}.");
        foreach (string refused in recorder.Refused.Take(20))
        {
            output.WriteLine($"  {refused}");
        }

        using VectorReplay replay = new(read, pools);
        clock.Restart();
        replay.Run(read.Shapes);
        output.WriteLine($"  replayed in {clock.Elapsed.TotalSeconds:F1} s, {replay.Failures.Count} differ.");
        if (replay.Failures.Count != 0)
        {
            Assert.Fail(VectorText.Report(name, read, pools, replay.Failures));
        }

        return read;
    }

    private static string[] Header()
    {
        var cpu = CpuidSummary.Of(HostCpuid.Read());
        return
        [
            $"CPU: {cpu.Maker} family {cpu.Family} model {cpu.Model} stepping {cpu.Stepping}, {cpu.Brand}",
            string.Create(CultureInfo.InvariantCulture, $"Recorded: {DateTime.UtcNow:yyyy-MM-dd}"),
        ];
    }
}
