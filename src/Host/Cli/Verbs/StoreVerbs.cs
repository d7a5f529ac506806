// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>store …</c>: what a store file holds, and what it could do without.</summary>
internal static class StoreVerbs
{
    public static Command Build(CliTerminal terminal) => new("store", "Look at a store's size, and make room in it.")
    {
        StoreStatVerb.Build(terminal),
        StoreGcVerb.Build(terminal),
    };
}
