// SPDX-License-Identifier: Apache-2.0

using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace KvmActors.Architecture.Tests.Rules;

/// <summary>A method fits a screen, a file can be read in one sitting, a line fits beside another window.</summary>
/// <remarks>A table does not count, since nobody reads one from top to bottom: a collection or array initializer, a
/// switch expression, and a switch statement each of whose sections does one thing.</remarks>
internal static class SizeRule
{
    public const int MethodLinesMax = 60;
    public const int FileLinesMax = 400;
    public const int ColumnsMax = 120;

    /// <summary>A shorter one is just a statement.</summary>
    private const int TableLinesMin = 10;

    public static IEnumerable<Finding> Check(SourceFile file) => CheckLines(file)
        .Concat(CheckFile(file))
        .Concat(CheckMethods(file));

    private static IEnumerable<Finding> CheckLines(SourceFile file) =>
        from line in Enumerable.Range(0, file.Lines.Count)
        where file.Lines[line].Length > ColumnsMax
        select new Finding(
            file.Path, line + 1, $"{file.Lines[line].Length} columns, at most {ColumnsMax}. Break the line.");

    private static IEnumerable<Finding> CheckFile(SourceFile file)
    {
        int lines = file.Lines.Count - 1 - TableLines(file.Syntax);
        if (lines > FileLinesMax)
        {
            yield return new Finding(
                file.Path,
                1,
                $"{lines} lines without tables, at most {FileLinesMax}. Find the second idea and give it a file.");
        }
    }

    private static IEnumerable<Finding> CheckMethods(SourceFile file) =>
        from method in file.Syntax.DescendantNodes()
        where method is BaseMethodDeclarationSyntax or AccessorDeclarationSyntax or LocalFunctionStatementSyntax
        let lines = SourceFile.LineCount(method) - TableLines(method)
        where lines > MethodLinesMax
        select file.At(
            method,
            $"{lines} lines in one method, at most {MethodLinesMax}. Move a straight run of statements into a method "
            + "of its own; keep the branches here.");

    private static int TableLines(SyntaxNode root) => root
        .DescendantNodes(node => node == root || !IsTable(node))
        .Where(node => node != root && IsTable(node))
        .Sum(SourceFile.LineCount);

    private static bool IsTable(SyntaxNode node) => node switch
    {
        CollectionExpressionSyntax or InitializerExpressionSyntax or SwitchExpressionSyntax =>
            SourceFile.LineCount(node) >= TableLinesMin,
        SwitchStatementSyntax choice =>
            SourceFile.LineCount(node) >= TableLinesMin && choice.Sections.All(DoesOneThing),
        _ => false,
    };

    private static bool DoesOneThing(SwitchSectionSyntax section) => section.Statements switch
    {
        [BlockSyntax block] => block.Statements.Count <= 2,
        var statements => statements.Count <= 2,
    };
}
