// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace KvmActors.Host.Cli;

/// <summary>Help with remarks and examples at its end.</summary>
internal sealed class VerbHelp(SynchronousCommandLineAction plain) : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => true;

    /// <summary>Puts examples behind the help of <paramref name="root"/> and everything below it.</summary>
    public static void AddTo(RootCommand root)
    {
        HelpOption help = root.Options.OfType<HelpOption>().Single();
        help.Action = new VerbHelp((SynchronousCommandLineAction)help.Action!);
    }

    public override int Invoke(ParseResult parseResult)
    {
        plain.Invoke(parseResult);
        if (parseResult.CommandResult.Command is VerbCommand verb)
        {
            TextWriter output = parseResult.InvocationConfiguration.Output;
            WriteSection(output, "Remarks:", verb.Remarks.Length == 0 ? [] : verb.Remarks.Split('\n'));
            WriteSection(output, "Examples:", verb.Examples);
        }

        return 0;
    }

    private static void WriteSection(TextWriter output, string title, IReadOnlyList<string> lines)
    {
        if (lines.Count == 0)
        {
            return;
        }

        output.WriteLine(title);
        foreach (string line in lines)
        {
            output.WriteLine(line.Length == 0 ? "" : $"  {line}");
        }

        output.WriteLine();
    }
}
