// SPDX-License-Identifier: Apache-2.0

using Xunit;

namespace KvmActors.Architecture.Tests;

/// <summary>One breach of a rule: where, and what to do about it.</summary>
/// <param name="File">Path from the repository root, with forward slashes.</param>
/// <param name="Line">Counted from 1.</param>
internal readonly record struct Finding(string File, int Line, string Message)
{
    /// <summary>Fails with one line per finding, each in the form that editors and terminals make clickable.</summary>
    public static void AssertNone(IEnumerable<Finding> findings)
    {
        string[] lines = [.. findings.Select(finding => finding.ToString()).Order(StringComparer.Ordinal)];
        Assert.True(
            lines.Length == 0,
            $"{lines.Length} finding(s):{Environment.NewLine}{string.Join(Environment.NewLine, lines)}");
    }

    public override string ToString() => $"{File}:{Line}: {Message}";
}
