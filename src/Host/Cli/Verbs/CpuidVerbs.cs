// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>cpuid …</c>: works on CPUID tables; needs no node.</summary>
internal static class CpuidVerbs
{
    public static Command Build(CliTerminal terminal) => new("cpuid", "Read, compare and convert CPUID tables.")
    {
        CpuidHostVerb.Build(terminal),
        CpuidDecodeVerb.Build(terminal),
        CpuidLintVerb.Build(terminal),
        CpuidModelsVerb.Build(terminal),
        CpuidConvertVerb.Build(terminal),
        CpuidQueryVerb.Build(terminal),
        CpuidCompareVerb.Build(terminal),
        CpuidBaselineVerb.Build(terminal),
        CpuidCheckVerb.Build(terminal),
    };

    /// <summary>A table, as <see cref="CpuidTableSource"/> finds it.</summary>
    public static Argument<string> TableArgument(string name) => new(name)
    {
        Description = $"A table: {CpuidTableSource.Words}; - is standard input",
    };
}
