// SPDX-License-Identifier: Apache-2.0

using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace KvmActors.Architecture.Tests.Rules;

/// <summary>The namespace follows the folder, and no name says only that something had no name.</summary>
internal static class NamespaceRule
{
    private static readonly string[] s_emptyNames =
        ["Common", "Helper", "Helpers", "Manager", "Managers", "Misc", "Util", "Utilities", "Utils"];

    public static IEnumerable<Finding> Check(SourceFile file)
    {
        foreach (BaseNamespaceDeclarationSyntax space in
            file.Syntax.DescendantNodes().OfType<BaseNamespaceDeclarationSyntax>())
        {
            string expected = Expected(file.Path);
            if (space.Name.ToString() != expected)
            {
                yield return file.At(space, $"Namespace {space.Name}, but the folder says {expected}.");
            }
        }

        foreach (string folder in file.Path.Split('/')[..^1].Where(folder => s_emptyNames.Contains(folder)))
        {
            yield return new Finding(file.Path, 1, $"A folder named {folder} says nothing. Name the idea.");
        }

        foreach (BaseTypeDeclarationSyntax type in file.Syntax.DescendantNodes().OfType<BaseTypeDeclarationSyntax>())
        {
            if (s_emptyNames.Any(name => type.Identifier.Text.EndsWith(name, StringComparison.Ordinal)))
            {
                yield return file.At(
                    type, $"{type.Identifier.Text} is a place for whatever had no name. Name it after what it does.");
            }
        }
    }

    /// <summary><c>src/Cpu/State</c> is <c>KvmActors.Cpu.State</c>, <c>samples/Guests</c> is
    /// <c>KvmActors.Samples.Guests</c>, and <c>tests/Cpu.Tests</c> is <c>KvmActors.Cpu.Tests</c>.</summary>
    private static string Expected(string path)
    {
        string[] folders = path.Split('/')[..^1];
        return folders switch
        {
            ["src" or "tests", .. string[] rest] => string.Join('.', ["KvmActors", .. rest]),
            [string top, .. string[] rest] =>
                string.Join('.', ["KvmActors", char.ToUpperInvariant(top[0]) + top[1..], .. rest]),
            _ => "KvmActors",
        };
    }
}
