// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Names;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Text;
using Xunit;

namespace KvmActors.Architecture.Tests;

/// <summary>The generator of CPUID's names: a line that does not read is an error at that line.</summary>
public sealed class CpuidNamesGeneratorTests
{
    private const string Head = "rule none No subleaves.\nrule many Many.\nleaf 00000007 many Features\n";

    [Theory]
    [InlineData("00000007 0 ebx 35 avx2", "a bit from 0 to 31")]
    [InlineData("00000007 0 ebx 3:5 avx2", "a bit from 0 to 31")]
    [InlineData("00000007 x ebx 5 avx2", "Expected a subleaf")]
    [InlineData("00000007 0 rbx 5 avx2", "Expected \"LEAF SUBLEAF REGISTER BITS NAME\"")]
    [InlineData("00000007 0 ebx 5", "Expected \"LEAF SUBLEAF REGISTER BITS NAME\"")]
    [InlineData("00000008 0 ebx 5 avx2", "behind \"leaf 00000008\"")]
    [InlineData("00000007 0 ebx 5 AVX2", "Expected a name of a-z")]
    [InlineData("00000007 * ebx 5 avx2", "Expected one subleaf for a feature")]
    [InlineData("00000007 0 ebx 5 avx2 @acme", "Expected @MAKER")]
    [InlineData("00000007 0 ebx 5 avx2 =hex", "Expected @MAKER")]
    [InlineData("00000007 0 ebx 5:5 avx2 =0-1", "Expected @MAKER")]
    [InlineData("00000007 0 ebx 5 avx2 -", "Expected what it is")]
    [InlineData("leaf 00000007 none Again", "Expected leaves in rising order")]
    [InlineData("leaf 00000009 some Title", "a rule from above")]
    [InlineData("rule none Again.", "with a new word")]
    [InlineData("values words 0=no", "Expected \"values WORD")]
    public void A_malformed_line_is_an_error_at_that_line(string line, string message)
    {
        Diagnostic error = Assert.Single(Run(Head + line + "\n").Diagnostics);

        Assert.Equal(DiagnosticSeverity.Error, error.Severity);
        Assert.Equal(3, error.Location.GetLineSpan().StartLinePosition.Line);
        Assert.Equal("/table/Cpuid.txt", error.Location.GetLineSpan().Path);
        Assert.Contains(message, error.GetMessage(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("00000007 0 ebx 5 avx2\n00000007 0 ebx 7:4 width", "found those of avx2")]
    [InlineData("00000007 0 ebx 5 avx2\n00000007 0 ebx 6 avx2", "a name that no other feature has")]
    [InlineData("00000007 0 ebx 5 avx_2\n00000007 0 ebx 6 avx2", "a name that no other feature has")]
    [InlineData("00000007 * ebx 7:4 width\n00000007 3 ebx 5 avx2", "found those of width")]
    public void Two_lines_must_agree(string lines, string message)
    {
        Diagnostic error = Assert.Single(Run(Head + lines).Diagnostics);

        Assert.Equal(4, error.Location.GetLineSpan().StartLinePosition.Line);
        Assert.Contains(message, error.GetMessage(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_feature_becomes_a_property()
    {
        (ImmutableArray<Diagnostic> diagnostics, string code) = Run(Head + "00000007 0 ebx 5 avx2 @intel - wide <x>\n");

        Assert.Empty(diagnostics);
        Assert.Contains(
            "public static CpuidFeature Avx2 => new(0x00000007, 0, CpuidRegister.Ebx, 5);",
            code,
            StringComparison.Ordinal);
        Assert.Contains("wide &lt;x&gt;.</summary>", code, StringComparison.Ordinal);
        Assert.Contains("new(\"avx2\", Avx2, CpuidMaker.Intel, \"wide <x>\"),", code, StringComparison.Ordinal);
    }

    [Fact]
    public void The_table_of_this_repository_reads() =>
        Assert.Empty(Run(Repository.Find("src/Cpu/Cpuid/Names/Cpuid.txt").Text).Diagnostics);

    private static (ImmutableArray<Diagnostic> Diagnostics, string Code) Run(string table)
    {
        GeneratorDriver driver = CSharpGeneratorDriver
            .Create(new CpuidNamesGenerator())
            .AddAdditionalTexts([new Table(table)])
            .RunGenerators(CSharpCompilation.Create("names"));
        GeneratorDriverRunResult result = driver.GetRunResult();
        return (result.Diagnostics, string.Concat(result.GeneratedTrees.Select(tree => tree.ToString())));
    }

    private sealed class Table(string text) : AdditionalText
    {
        public override string Path => "/table/Cpuid.txt";

        public override SourceText GetText(CancellationToken cancellationToken = default) => SourceText.From(text);
    }
}
