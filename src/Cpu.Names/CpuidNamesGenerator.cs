// SPDX-License-Identifier: Apache-2.0

using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace KvmActors.Cpu.Names;

/// <summary>Makes the names of src/Cpu/Cpuid/Names from the table Cpuid.txt while src/Cpu is compiled. A line of the
/// table that does not read is an error of that compilation, at that line.</summary>
[Generator(LanguageNames.CSharp)]
public sealed class CpuidNamesGenerator : IIncrementalGenerator
{
    private const string TableFile = "Cpuid.txt";

    private static readonly DiagnosticDescriptor s_malformed = new(
        id: "CPUIDNAMES",
        title: "Malformed line of Cpuid.txt",
        messageFormat: "{0}",
        category: "Cpuid",
        DiagnosticSeverity.Error,
        isEnabledByDefault: true);

    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        IncrementalValuesProvider<(string Path, string Text)> tables = context.AdditionalTextsProvider
            .Where(static file => Path.GetFileName(file.Path) == TableFile)
            .Select(static (file, stop) => (file.Path, file.GetText(stop)?.ToString() ?? ""));
        context.RegisterSourceOutput(tables, static (output, table) => Generate(output, table.Path, table.Text));
    }

    private static void Generate(SourceProductionContext output, string path, string text)
    {
        var table = NameTable.Read(text);
        foreach (NameError error in table.Errors)
        {
            LinePosition start = new(error.Line - 1, 0);
            var place = Location.Create(path, default, new LinePositionSpan(start, start));
            output.ReportDiagnostic(Diagnostic.Create(s_malformed, place, error.Message));
        }

        // What reads is emitted even beside errors: else every use of every name would be an error too.
        output.AddSource("CpuidFeatures.g.cs", SourceText.From(NameEmitter.Features(table), Encoding.UTF8));
        output.AddSource("CpuidFields.g.cs", SourceText.From(NameEmitter.Fields(table), Encoding.UTF8));
        output.AddSource("CpuidLeaves.g.cs", SourceText.From(NameEmitter.Leaves(table), Encoding.UTF8));
    }
}
