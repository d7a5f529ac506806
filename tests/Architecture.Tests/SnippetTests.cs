// SPDX-License-Identifier: Apache-2.0

using System.Text.RegularExpressions;
using Xunit;

namespace KvmActors.Architecture.Tests;

/// <summary>C# that a page shows was compiled and run: it stands in a test, word for word, but for the indentation.</summary>
public sealed partial class SnippetTests
{
    [Fact]
    public void Every_block_of_CSharp_in_a_page_stands_in_a_test()
    {
        string[] tests = [.. Repository.CSharp.Where(file => file.IsIn("tests", "samples")).Select(WithoutIndentation)];

        Finding.AssertNone(
            from page in Repository.Markdown
            from block in CSharpBlock().Matches(page.Text)
            let code = WithoutIndentation(block.Groups[1].Value)
            where !tests.Any(test => test.Contains(code, StringComparison.Ordinal))
            select new Finding(
                page.Path,
                page.Text[..block.Index].Count(letter => letter == '\n') + 1,
                "This C# is in no test. Copy it from one, so that it compiles and stays true."));
    }

    private static string WithoutIndentation(SourceFile file) => WithoutIndentation(file.Text);

    private static string WithoutIndentation(string text) =>
        string.Join('\n', text.Split('\n').Select(line => line.Trim())).Trim();

    [GeneratedRegex(@"^```csharp\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex CSharpBlock();
}
