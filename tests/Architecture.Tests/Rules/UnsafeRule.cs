// SPDX-License-Identifier: Apache-2.0

using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace KvmActors.Architecture.Tests.Rules;

/// <summary>Code that the runtime cannot check lives in the engine's innermost folders and in one native-call file each
/// of Persistence, Kvm and Host, and every such file argues for itself.</summary>
internal static class UnsafeRule
{
    public const string Justification = "JUSTIFICATION:";
    public const string Safety = "SAFETY:";

    private static readonly string[] s_engineFolders =
        ["src/Cpu/State", "src/Cpu/Memory", "src/Cpu/Decode", "src/Cpu/Execute", "src/Cpu/Translate"];

    private static readonly string[] s_engineFiles = ["src/Cpu/Vcpu.cs"];
    private static readonly string[] s_nativeCallProjects = ["src/Persistence", "src/Kvm", "src/Host"];
    private static readonly string[] s_uncheckedTypes = ["MemoryMarshal", "NativeMemory", "Unsafe"];
    private static readonly string[] s_nativeCalls = ["DllImport", "LibraryImport"];

    public static IEnumerable<Finding> Check(IEnumerable<SourceFile> files)
    {
        Dictionary<string, string> nativeCallFile = [];
        foreach (SourceFile file in files.OrderBy(file => file.Path, StringComparer.Ordinal))
        {
            if (FirstUse(file) is not { } use)
            {
                continue;
            }

            string? project = s_nativeCallProjects.FirstOrDefault(folder => file.IsIn(folder));
            if (project is not null && nativeCallFile.TryAdd(project, file.Path))
            {
                // The one native-call file of its project.
            }
            else if (project is not null)
            {
                string first = nativeCallFile[project];
                yield return file.At(
                    use, $"{project} has its one native-call file already, {first}. Put the call there.");
            }
            else if (!file.IsIn(s_engineFolders) && !s_engineFiles.Contains(file.Path))
            {
                yield return file.At(
                    use, $"\"{use}\" is unchecked code outside {string.Join(", ", s_engineFolders)}. Use a span.");
            }

            foreach (string mark in new[] { Justification, Safety }.Where(mark => !HasMark(file, mark)))
            {
                yield return file.At(use, $"Unchecked code without a {mark} comment in its file. Argue for it.");
            }
        }
    }

    private static bool HasMark(SourceFile file, string mark) =>
        file.Lines.Any(line => line.TrimStart().StartsWith("//", StringComparison.Ordinal)
            && line.Contains(mark, StringComparison.Ordinal));

    private static SyntaxToken? FirstUse(SourceFile file)
    {
        foreach (SyntaxToken token in file.Syntax.DescendantTokens())
        {
            bool isUse = token.IsKind(SyntaxKind.UnsafeKeyword)
                || (token.Parent is IdentifierNameSyntax name && IsUnchecked(name));
            if (isUse)
            {
                return token;
            }
        }

        return null;
    }

    private static bool IsUnchecked(IdentifierNameSyntax name) =>
        s_nativeCalls.Contains(name.Identifier.Text)
        || (s_uncheckedTypes.Contains(name.Identifier.Text) && name.Parent is MemberAccessExpressionSyntax);
}
