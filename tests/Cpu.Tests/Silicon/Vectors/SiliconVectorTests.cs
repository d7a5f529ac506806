// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using Iced.Intel;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Cpu.Tests.Silicon.Vectors;

/// <summary>The engine against results that a CPU gave once, on any machine.</summary>
public sealed class SiliconVectorTests(ITestOutputHelper output)
{
    private const int VectorsMin = 2_000_000;
    private const int FormsMin = 900;

    public static TheoryData<string> Names => [.. VectorData.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void The_engine_does_what_silicon_did(string name)
    {
        VectorFile file = VectorData.Read(name);
        var clock = Stopwatch.StartNew();
        VectorReplay[] parts = [.. Enumerable.Range(0, 2).Select(_ => new VectorReplay(file, VectorData.Pools))];
        Parallel.For(0, parts.Length, part => parts[part].Run(file.Shapes.Where(shape => shape.Index % 2 == part)));
        VectorFailure[] failures = [.. parts.SelectMany(part => part.Failures)];
        int count = parts.Sum(part => part.Count);
        foreach (VectorReplay part in parts)
        {
            part.Dispose();
        }

        output.WriteLine($"{count} vectors of {FormsOf(file).Count()} forms in {clock.Elapsed.TotalSeconds:F1} s.");
        output.WriteLine(string.Join('\n', file.Header));
        Assert.Equal(file.Count, count);
        if (failures.Length != 0)
        {
            Assert.Fail(VectorText.Report(name, file, VectorData.Pools, failures));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Inputs_are_made_as_they_were_when_results_were_recorded(string name)
    {
        VectorFile file = VectorData.Read(name);

        ulong found = VectorData.InputDigest(file.Shapes, VectorData.Pools);

        Assert.True(
            file.InputDigest == found,
            $"Expected inputs with digest {file.InputDigest:x}, found {found:x}: VectorInputs, SplitMix64 or the pools "
            + "have changed. Put them back, or record all vectors again.");
    }

    /// <summary>KVMACTORS_SHOW_VECTORS names another form.</summary>
    [Fact]
    public void The_vectors_of_a_form_can_be_read_by_a_person()
    {
        string form = Environment.GetEnvironmentVariable("KVMACTORS_SHOW_VECTORS") ?? nameof(Code.Imul_r32_rm32_imm8);
        Code code = Enum.Parse<Code>(form);
        foreach (string name in VectorData.Names)
        {
            VectorFile file = VectorData.Read(name);
            string[] texts =
            [
                .. file.Shapes.Where(shape => shape.Code == code)
                    .SelectMany(shape => VectorText.Show(file, VectorData.Pools, shape)),
            ];
            output.WriteLine(string.Join('\n', texts));
            Assert.All(texts, text => Assert.Contains(form, text, StringComparison.Ordinal));
            Assert.True(texts.Length > 0 || name != "integer-64" || code != Code.Imul_r32_rm32_imm8, name);
        }
    }

    [Fact]
    public void There_are_two_million_vectors_of_nine_hundred_forms()
    {
        VectorFile[] files = [.. VectorData.Names.Select(VectorData.Read)];
        int vectors = files.Sum(file => file.Count);
        int forms = files.SelectMany(FormsOf).Distinct().Count();
        output.WriteLine($"{vectors} vectors of {forms} forms.");

        Assert.True(vectors >= VectorsMin, $"{vectors} vectors");
        Assert.True(forms >= FormsMin, $"{forms} forms");
    }

    [Theory]
    [InlineData("status")]
    [InlineData("digest")]
    [InlineData("whole result")]
    public void A_vector_whose_recorded_result_is_changed_fails_and_no_other(string part)
    {
        VectorFile file = VectorData.Read("x87-16");
        VectorShape shape = file.Shapes.First(shape => shape.Code == Code.Fadd_st0_sti);
        int number = part == "whole result" ? 0 : shape.FullCount + 1;
        int at = file.FirstOf(shape) + number;
        switch (part)
        {
            case "status":
                file.Statuses[at] ^= 1;
                break;
            case "digest":
                file.Digests[at * 3] ^= 0x10;
                break;
            default:
                // The first byte of the first word that was changed.
                file.Fulls[file.FullStartOf(shape, number) + 2] ^= 1;
                break;
        }

        using VectorReplay replay = new(file, VectorData.Pools);
        replay.Run(file.Shapes.Where(other => other.Code == shape.Code));

        VectorFailure failure = Assert.Single(replay.Failures);
        Assert.Equal((shape, number), (failure.Shape, failure.Number));
        string text = VectorText.Report("x87-16", file, VectorData.Pools, replay.Failures);
        output.WriteLine(text);
        Assert.Contains("Fadd_st0_sti", text, StringComparison.Ordinal);
        Assert.Contains("expected", text, StringComparison.Ordinal);
    }

    private static IEnumerable<Code> FormsOf(VectorFile file) => file.Shapes.Select(shape => shape.Code).Distinct();
}
