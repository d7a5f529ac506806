// SPDX-License-Identifier: Apache-2.0

using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Xunit;

namespace KvmActors.Architecture.Tests;

/// <summary>The interpreter is the reference, and knows of no other tier.</summary>
public sealed class EngineSeamTests
{
    [Fact]
    public void Nothing_in_the_interpreter_names_the_translator()
    {
        HashSet<string> names =
        [
            .. Repository.CSharp
                .Where(file => file.IsIn(["src/Cpu/Translate"]))
                .Select(file => Path.GetFileNameWithoutExtension(file.Path)),
        ];

        Assert.Contains("TranslatorTier", names);
        Finding.AssertNone(
            from file in Repository.CSharp
            where file.IsIn(["src/Cpu/Execute", "src/Cpu/Decode"])
            from token in file.Syntax.DescendantTokens()
            where token.IsKind(SyntaxKind.IdentifierToken) && names.Contains(token.ValueText)
            select file.At(token, $"\"{token.ValueText}\" is of the translator. Use IBlockTier."));
    }
}
