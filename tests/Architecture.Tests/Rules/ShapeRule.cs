// SPDX-License-Identifier: Apache-2.0

using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace KvmActors.Architecture.Tests.Rules;

/// <summary>A folder is an idea, a file is a type.</summary>
/// <remarks>The file is named after its first type. Behind it, in the product, only companions may stand: records,
/// record structs, enums and delegates of at most <see cref="CompanionLinesMax"/> lines that the rest of the file
/// names, such as the result of an interface's method. A class or an interface gets a file of its own, but
/// <c>Props</c> and <c>Props&lt;T&gt;</c> are one name.</remarks>
internal static class ShapeRule
{
    public const int CompanionLinesMax = 30;

    public static IEnumerable<Finding> Check(SourceFile file)
    {
        MemberDeclarationSyntax[] types = [.. file.TopLevelTypes];
        if (types.Length == 0)
        {
            yield break;
        }

        string first = SourceFile.NameOf(types[0]);
        if (file.Name != first && !file.Name.StartsWith(first + ".", StringComparison.Ordinal))
        {
            yield return file.At(
                types[0], $"The first type is {first}, the file {file.Name}.cs. Give both one name.");
        }

        foreach (MemberDeclarationSyntax companion in types.Skip(1).Where(_ => file.IsIn("src", "samples")))
        {
            if (SourceFile.NameOf(companion) != first && WhyNoCompanion(file, companion) is { } reason)
            {
                yield return file.At(
                    companion, $"{SourceFile.NameOf(companion)} {reason}. Move it to a file of its own.");
            }
        }
    }

    private static string? WhyNoCompanion(SourceFile file, MemberDeclarationSyntax type)
    {
        if (type is ClassDeclarationSyntax or InterfaceDeclarationSyntax or StructDeclarationSyntax)
        {
            return $"is the second type of {file.Path} and more than data";
        }

        int lines = SourceFile.LineCount(type);
        if (lines > CompanionLinesMax)
        {
            return $"has {lines} lines; a second type in a file has at most {CompanionLinesMax}";
        }

        string name = SourceFile.NameOf(type);
        bool isNamed = file.Syntax.DescendantTokens().Any(token =>
            token.IsKind(SyntaxKind.IdentifierToken) && token.Text == name && !type.Span.Contains(token.Span));
        return isNamed ? null : $"is named nowhere else in {file.Path}";
    }
}
