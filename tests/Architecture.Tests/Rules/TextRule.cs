// SPDX-License-Identifier: Apache-2.0

using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace KvmActors.Architecture.Tests.Rules;

/// <summary>What every C# file says and does not say: licence line, comments that mean something, no unfinished
/// work.</summary>
internal static partial class TextRule
{
    public const string Licence = "// SPDX-License-Identifier: Apache-2.0";

    private const string Unbuilt = "NotImplementedException";

    public static IEnumerable<Finding> Check(SourceFile file) => CheckLicence(file)
        .Concat(CheckComments(file))
        .Concat(CheckDocumentation(file))
        .Concat(CheckUnfinished(file));

    private static IEnumerable<Finding> CheckLicence(SourceFile file)
    {
        if (file.Lines[0] != Licence)
        {
            yield return new Finding(file.Path, 1, $"The first line must be: {Licence}");
        }
    }

    private static IEnumerable<Finding> CheckComments(SourceFile file) =>
        from trivia in file.Syntax.DescendantTrivia()
        where trivia.IsKind(SyntaxKind.SingleLineCommentTrivia)
            || trivia.IsKind(SyntaxKind.MultiLineCommentTrivia)
            || trivia.HasStructure
        let match = UnfinishedWord().Match(trivia.ToFullString())
        where match.Success
        select new Finding(
            file.Path,
            trivia.GetLocation().GetLineSpan().StartLinePosition.Line + 1,
            $"{match.Value} in a comment. Do it, or file an issue and say what holds today.");

    private static IEnumerable<Finding> CheckDocumentation(SourceFile file)
    {
        foreach (XmlElementSyntax element in
            file.Syntax.DescendantNodes(descendIntoTrivia: true).OfType<XmlElementSyntax>())
        {
            string words = element.Content.ToString().Replace("///", string.Empty, StringComparison.Ordinal);
            if (string.IsNullOrWhiteSpace(words))
            {
                yield return file.At(
                    element, $"<{element.StartTag.Name}> is empty. Say what the caller must know, or delete it.");
            }
        }
    }

    private static IEnumerable<Finding> CheckUnfinished(SourceFile file) =>
        from name in file.Syntax.DescendantNodes().OfType<IdentifierNameSyntax>()
        where name.Identifier.Text == Unbuilt
        select file.At(name, $"{Unbuilt}. Build it, or do not offer it.");

    [GeneratedRegex(@"\b(TODO|FIXME|XXX|HACK|TBD)\b")]
    private static partial Regex UnfinishedWord();
}
