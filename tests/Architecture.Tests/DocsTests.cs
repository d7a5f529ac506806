// SPDX-License-Identifier: Apache-2.0

using System.Text.RegularExpressions;
using KvmActors.Architecture.Tests.Rules;
using Xunit;

namespace KvmActors.Architecture.Tests;

/// <summary>What the pages point to is there, and nothing committed points to one person's machine.</summary>
public sealed partial class DocsTests
{
    private static readonly string[] s_decisionHeadings =
        ["## Context", "## Decision", "## Consequences", "## Alternatives and criteria"];

    [Fact]
    public void Every_relative_link_leads_to_a_file_and_a_heading() =>
        Finding.AssertNone(Repository.Markdown.SelectMany(LinkRule.Check));

    [Fact]
    public void No_committed_text_names_a_private_path_or_a_package_registry() =>
        Finding.AssertNone(Repository.Texts.SelectMany(PrivateTextRule.Check));

    [Fact]
    public void Every_piece_of_code_in_a_page_is_compiled_somewhere() => Finding.AssertNone(
        Repository.Markdown.SelectMany(page => SnippetRule.Check(page, path =>
            Repository.Texts.FirstOrDefault(file => file.Path == path)?.Text)));

    [Fact]
    public void Every_decision_has_its_date_status_headings_and_line_in_the_list()
    {
        string list = Repository.Find("docs/adr/README.md").Text;

        Finding.AssertNone(Decisions().SelectMany(page => MissingParts(page)
            .Append(list.Contains($"({page.Name}.md)", StringComparison.Ordinal) ? null : "its line in the list")
            .OfType<string>()
            .Select(missing => new Finding(page.Path, 1, $"Expected {missing}, found none. Add it."))));
    }

    [Fact]
    public void Decisions_are_numbered_without_a_gap() => Assert.Equal(
        Enumerable.Range(1, Decisions().Count()).Select(number => $"{number:d4}"),
        Decisions().Select(page => page.Name[..4]));

    private static IEnumerable<SourceFile> Decisions() =>
        Repository.Markdown.Where(page => page.IsIn("docs/adr") && page.Name != "README");

    private static IEnumerable<string?> MissingParts(SourceFile page) => s_decisionHeadings
        .Where(heading => !page.Lines.Contains(heading))
        .Append(Title().Match(page.Text).Groups[1].Value == page.Name[..4] ? null : "a title \"# ADR NNNN: …\"")
        .Append(Date().IsMatch(page.Text) ? null : "a line \"- Date: YYYY-MM-DD\"")
        .Append(Status().IsMatch(page.Text) ? null : "a line \"- Status: accepted\" or \"replaced by [NNNN]\"");

    [GeneratedRegex(@"\A# ADR (\d{4}): ")]
    private static partial Regex Title();

    [GeneratedRegex(@"^- Date: \d{4}-\d{2}-\d{2}$", RegexOptions.Multiline)]
    private static partial Regex Date();

    [GeneratedRegex(@"^- Status: (accepted|proposed|replaced by \[\d{4}\].*)$", RegexOptions.Multiline)]
    private static partial Regex Status();
}
