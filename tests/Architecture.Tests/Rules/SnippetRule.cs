// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Architecture.Tests.Rules;

/// <summary>C# in a page is code that compiles: each block stands, line for line, in the file that the comment above
/// it names.</summary>
internal static class SnippetRule
{
    private const string Fence = "```";
    private const string CodeFence = "```csharp";
    private const string Origin = "<!-- from ";

    /// <param name="page">A Markdown page.</param>
    /// <param name="find">Gives the text of a file of the repository, or null.</param>
    public static IEnumerable<Finding> Check(SourceFile page, Func<string, string?> find)
    {
        for (int line = 0; line < page.Lines.Count; line++)
        {
            if (page.Lines[line].TrimEnd() == CodeFence && WhyUntrue(page, line, find) is { } reason)
            {
                yield return new Finding(page.Path, line + 1, reason);
            }
        }
    }

    private static string? WhyUntrue(SourceFile page, int fence, Func<string, string?> find)
    {
        string above = fence == 0 ? string.Empty : page.Lines[fence - 1];
        if (!above.StartsWith(Origin, StringComparison.Ordinal))
        {
            return $"C# without its origin. Write \"{Origin}PATH -->\" above it, and have PATH compiled.";
        }

        string path = above[Origin.Length..].Replace("-->", string.Empty, StringComparison.Ordinal).Trim();
        string[] block =
            [.. page.Lines.Skip(fence + 1).TakeWhile(line => !line.StartsWith(Fence, StringComparison.Ordinal))];
        return find(path) is { } source && Flat(source.Split('\n')).Contains(Flat(block), StringComparison.Ordinal)
            ? null
            : $"This C# is not in {path}, line for line. Copy it from there.";
    }

    /// <summary>Without indentation, which differs between a page and a class.</summary>
    private static string Flat(IEnumerable<string> lines) =>
        string.Join('\n', lines.Select(line => line.Trim()).Where(line => line.Length > 0));
}
