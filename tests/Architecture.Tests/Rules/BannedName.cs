// SPDX-License-Identifier: Apache-2.0

using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace KvmActors.Architecture.Tests.Rules;

/// <summary>A name that code in some folders must not use.</summary>
/// <param name="Name">A type ("Stopwatch"), or a type and its member ("Task.Run").</param>
/// <param name="Instead">What to do: the end of the finding's sentence.</param>
internal sealed record BannedName(string Name, string Instead)
{
    private string[] Parts { get; } = Name.Split('.');

    public static IEnumerable<Finding> Check(SourceFile file, IReadOnlyCollection<BannedName> names) =>
        from use in file.Syntax.DescendantNodes().OfType<SimpleNameSyntax>()
        from banned in names
        where banned.IsUsedAs(use)
        select file.At(use, $"{banned.Name} is not for this folder. {banned.Instead}");

    private bool IsUsedAs(SimpleNameSyntax use) => use.Identifier.Text == Parts[^1]
        && (Parts.Length == 1 ? !IsMemberOfSomething(use) : LastNameBefore(use) == Parts[0]);

    /// <summary>True for <c>x.Thread</c>, but not for <c>System.Threading.Thread</c>, which names the type.</summary>
    private static bool IsMemberOfSomething(SimpleNameSyntax use) =>
        use.Parent is MemberAccessExpressionSyntax access
        && access.Name == use
        && !access.Expression.ToString().StartsWith("System", StringComparison.Ordinal);

    private static string? LastNameBefore(SimpleNameSyntax use) => use.Parent switch
    {
        MemberAccessExpressionSyntax access when access.Name == use => access.Expression switch
        {
            SimpleNameSyntax simple => simple.Identifier.Text,
            MemberAccessExpressionSyntax inner => inner.Name.Identifier.Text,
            _ => null,
        },
        QualifiedNameSyntax qualified when qualified.Right == use =>
            (qualified.Left as SimpleNameSyntax)?.Identifier.Text,
        _ => null,
    };
}
