// SPDX-License-Identifier: Apache-2.0

using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace KvmActors.Architecture.Tests;

/// <summary>A text file of the repository, parsed on demand where it is C#.</summary>
internal sealed class SourceFile
{
    private static readonly CSharpParseOptions s_options = new(LanguageVersion.Preview, DocumentationMode.Parse);

    private readonly Lazy<SyntaxNode> _syntax;

    /// <param name="path">From the repository root, with forward slashes.</param>
    public SourceFile(string path, string text)
    {
        Path = path;
        Text = text;
        Lines = text.Split('\n');
        _syntax = new Lazy<SyntaxNode>(() => CSharpSyntaxTree.ParseText(text, s_options, path).GetRoot());
    }

    public string Path { get; }

    public string Text { get; }

    /// <summary>The lines without their line feeds; a last line feed leaves an empty last element.</summary>
    public IReadOnlyList<string> Lines { get; }

    /// <summary>Name without folder and without the last extension.</summary>
    public string Name => System.IO.Path.GetFileNameWithoutExtension(Path);

    public SyntaxNode Syntax => _syntax.Value;

    /// <summary>Types declared at the top level of the file, in order.</summary>
    public IEnumerable<MemberDeclarationSyntax> TopLevelTypes => Syntax
        .DescendantNodes(node => node is CompilationUnitSyntax or BaseNamespaceDeclarationSyntax)
        .Where(node => node is BaseTypeDeclarationSyntax or DelegateDeclarationSyntax)
        .Cast<MemberDeclarationSyntax>();

    public bool IsIn(params string[] folders) =>
        folders.Any(folder => Path.StartsWith(folder + "/", StringComparison.Ordinal));

    public Finding At(SyntaxNodeOrToken place, string message) => new(Path, LineOf(place), message);

    /// <returns>The line, from 1, on which the node's own text begins.</returns>
    public static int LineOf(SyntaxNodeOrToken place) => place.GetLocation()!.GetLineSpan().StartLinePosition.Line + 1;

    /// <returns>How many lines the node's own text touches, without comments before it.</returns>
    public static int LineCount(SyntaxNode node)
    {
        FileLinePositionSpan span = node.SyntaxTree.GetLineSpan(node.Span);
        return span.EndLinePosition.Line - span.StartLinePosition.Line + 1;
    }

    public static string NameOf(MemberDeclarationSyntax type) => type switch
    {
        BaseTypeDeclarationSyntax declaration => declaration.Identifier.Text,
        DelegateDeclarationSyntax declaration => declaration.Identifier.Text,
        _ => string.Empty,
    };
}
