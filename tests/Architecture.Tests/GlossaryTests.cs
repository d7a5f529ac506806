// SPDX-License-Identifier: Apache-2.0

using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Xunit;

namespace KvmActors.Architecture.Tests;

/// <summary>One word for one thing. The list is <c>docs/glossary.md</c> itself: the words set as code in the last
/// column of
/// its tables.</summary>
public sealed partial class GlossaryTests
{
    private const string Glossary = "docs/glossary.md";

    [Fact]
    public void Pages_and_comments_use_the_words_of_the_glossary()
    {
        Dictionary<string, string> banned = BannedWords();
        Regex any = new($@"\b({string.Join('|', banned.Keys.Select(AsPattern))})\b");

        Finding.AssertNone(Pages().Concat(Comments()).SelectMany(place => any.Matches(place.Text).Select(match =>
            new Finding(
                place.File,
                place.Line,
                $"\"{match.Value}\": say {Instead(banned, match.Value)} (see {Glossary})."))));
    }

    [Fact]
    public void The_glossary_bans_some_words_and_no_word_twice() => Assert.True(BannedWords().Count >= 10);

    /// <summary>A sentence may begin with the word; a type may be spelt like it (VmExit).</summary>
    private static string AsPattern(string word) =>
        $"[{word[0]}{char.ToUpperInvariant(word[0])}]{Regex.Escape(word[1..])}";

    private static string Instead(Dictionary<string, string> banned, string found) =>
        banned.TryGetValue(found, out string? say) ? say : banned[char.ToLowerInvariant(found[0]) + found[1..]];

    /// <returns>Each banned word, with the word to say.</returns>
    private static Dictionary<string, string> BannedWords()
    {
        Dictionary<string, string> words = [];
        foreach (string line in Repository.Find(Glossary).Lines)
        {
            string[] cells = line.Split('|', StringSplitOptions.TrimEntries);
            if (cells is [_, var say, _, var not, _])
            {
                foreach (Match match in CodeSpan().Matches(not))
                {
                    words.Add(match.Groups[1].Value, say);
                }
            }
        }

        return words;
    }

    private static IEnumerable<(string File, int Line, string Text)> Pages() =>
        from page in Repository.Markdown
        where page.Path != Glossary && !page.IsIn("docs/adr")
        from line in Enumerable.Range(0, page.Lines.Count)
        select (page.Path, line + 1, page.Lines[line]);

    private static IEnumerable<(string File, int Line, string Text)> Comments() =>
        from file in Repository.Product
        from trivia in file.Syntax.DescendantTrivia()
        where trivia.IsKind(SyntaxKind.SingleLineCommentTrivia) || trivia.HasStructure
        select (file.Path, trivia.GetLocation().GetLineSpan().StartLinePosition.Line + 1, trivia.ToFullString());

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex CodeSpan();
}
