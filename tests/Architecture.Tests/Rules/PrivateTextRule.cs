// SPDX-License-Identifier: Apache-2.0

using System.Text.RegularExpressions;

namespace KvmActors.Architecture.Tests.Rules;

/// <summary>Nothing that is committed depends on where its author sat: no path of a machine, no package host.</summary>
internal static partial class PrivateTextRule
{
    public static IEnumerable<Finding> Check(SourceFile file) =>
        from line in Enumerable.Range(0, file.Lines.Count)
        let text = file.Lines[line]
        from match in PrivatePath().Matches(text).Concat(PackageHost().Matches(text))
        select new Finding(
            file.Path, line + 1, $"\"{match.Value}\" is of one machine or feed. Leave it out or make it relative.");

    [GeneratedRegex(@"(?<![\w.])/(work|home|root|Users|mnt)/\w+|[A-Z]:\\\\?Users")]
    private static partial Regex PrivatePath();

    [GeneratedRegex(@"\b(nuget|npmjs|pypi|crates|pythonhosted|maven)\.(org|com|io)\b|\bregistry\.\w+\.\w+")]
    private static partial Regex PackageHost();
}
