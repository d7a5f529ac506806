// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;

namespace KvmActors.Host.Cli;

/// <summary>A verb, with what its <c>--help</c> ends with.</summary>
/// <param name="description">One sentence, which the list of verbs shows too.</param>
/// <param name="remarks">More to know, or empty.</param>
/// <param name="examples">Lines that a reader can paste: a command, or a comment that begins with '#'.</param>
internal sealed class VerbCommand(string name, string description, string remarks, IReadOnlyList<string> examples)
    : Command(name, description)
{
    public string Remarks { get; } = remarks;

    public IReadOnlyList<string> Examples { get; } = examples;
}
