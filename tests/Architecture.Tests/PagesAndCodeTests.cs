// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Xunit;

namespace KvmActors.Architecture.Tests;

/// <summary>Lists that stand both in a page and in the code say the same.</summary>
public sealed partial class PagesAndCodeTests
{
    private static readonly StringComparer s_anyCase = StringComparer.OrdinalIgnoreCase;

    [Fact]
    public void The_page_on_cpuid_lists_the_features_that_the_engine_executes()
    {
        IEnumerable<string> properties = Repository.Find("src/Cpu/Execute/EngineFeatures.cs").Syntax
            .DescendantNodes()
            .OfType<CollectionExpressionSyntax>()
            .Single()
            .Elements
            .Select(element => element.ToString().Split('.')[^1]);
        string page = Repository.Find("docs/cpuid.md").Text;
        string listed = EngineFeatures().Match(page).Groups[1].Value;

        // Of lahf_lm is made LahfLm.
        Assert.Equal(
            properties.Select(property => property.Replace("_", "", StringComparison.Ordinal)).Order(s_anyCase),
            Words(listed).Select(word => word.Replace("_", "", StringComparison.Ordinal)).Order(s_anyCase),
            s_anyCase);
    }

    [Fact]
    public void The_page_on_hypercalls_lists_every_number_that_has_a_name() => Assert.Equal(
        EnumValues("src/Cpu/Hypercalls/HypercallNumber.cs").Select(value => value.Number).Order(),
        Repository.Find("docs/hypercalls.md").Lines
            .Select(line => NumberCell().Match(line))
            .Where(match => match.Success)
            .SelectMany(match => match.Groups[1].Value.Split(", "))
            .Select(number => int.Parse(number, CultureInfo.InvariantCulture))
            .Order());

    private static IEnumerable<(int Number, string Name)> EnumValues(string path) => Repository.Find(path).Syntax
        .DescendantNodes()
        .OfType<EnumMemberDeclarationSyntax>()
        .Where(member => member.EqualsValue?.Value.IsKind(SyntaxKind.NumericLiteralExpression) == true)
        .Select(member => (
            int.Parse(member.EqualsValue!.Value.ToString(), CultureInfo.InvariantCulture), member.Identifier.Text));

    private static string[] Words(string text) =>
        text.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries);

    [GeneratedRegex("<!-- ENGINE-FEATURES -->\n((?: {4}.*\n)+)")]
    private static partial Regex EngineFeatures();

    [GeneratedRegex(@"^\| (\d+(?:, \d+)*) \|(?:[^|]+\|){3}$")]
    private static partial Regex NumberCell();
}
