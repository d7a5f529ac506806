// SPDX-License-Identifier: Apache-2.0

using System.Text.RegularExpressions;

namespace KvmActors.Architecture.Tests.Rules;

/// <summary>A relative link in a page leads to a file of the repository, and its fragment to a heading there.</summary>
internal static partial class LinkRule
{
    public static IEnumerable<Finding> Check(SourceFile page)
    {
        bool inCode = false;
        for (int line = 0; line < page.Lines.Count; line++)
        {
            inCode ^= page.Lines[line].StartsWith("```", StringComparison.Ordinal);
            string text = inCode ? string.Empty : CodeSpan().Replace(page.Lines[line], string.Empty);
            foreach (Match link in Link().Matches(text))
            {
                if (WhyBroken(page, link.Groups[1].Value) is { } reason)
                {
                    yield return new Finding(page.Path, line + 1, reason);
                }
            }
        }
    }

    private static string? WhyBroken(SourceFile page, string target)
    {
        if (Scheme().IsMatch(target))
        {
            return null;
        }

        string[] parts = target.Split('#', 2);
        string folder = Path.GetDirectoryName(page.Path) ?? string.Empty;
        string path = parts[0].Length == 0 ? page.Path : Path.Combine(folder, parts[0]);
        if (!Repository.Exists(path))
        {
            return $"The link {target} leads to {path}, which is not there. Correct the link or add the file.";
        }

        bool namesHeading = parts.Length == 2 && path.EndsWith(".md", StringComparison.Ordinal);
        string full = Path.GetRelativePath(Repository.Root, Path.GetFullPath(Path.Combine(Repository.Root, path)));
        return !namesHeading || Headings(Repository.Find(full)).Contains(parts[1])
            ? null
            : $"The link {target} leads to a heading that {full} does not have. Correct the part behind #.";
    }

    /// <summary>The names that a Markdown viewer gives to headings: lower case, words joined by '-'.</summary>
    private static HashSet<string> Headings(SourceFile page) =>
        [
            .. page.Lines
                .Where(line => line.StartsWith('#'))
                .Select(line => line.TrimStart('#').Trim().ToLowerInvariant())
                .Select(heading => NotInName().Replace(heading, string.Empty).Replace(' ', '-')),
        ];

    [GeneratedRegex(@"\[[^\]]*\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex("`[^`]*`")]
    private static partial Regex CodeSpan();

    [GeneratedRegex("^[a-z]+:")]
    private static partial Regex Scheme();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NotInName();
}
