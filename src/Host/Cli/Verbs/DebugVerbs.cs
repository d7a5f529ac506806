// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>debug …</c></summary>
internal static class DebugVerbs
{
    public static Command Build(CliTerminal terminal) => new("debug", "Look into a guest, at any moment of its life.")
    {
        DebugGdbVerb.Build(terminal),
    };
}
