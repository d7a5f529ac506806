// SPDX-License-Identifier: Apache-2.0

using KvmActors.Architecture.Tests.Rules;
using Xunit;

namespace KvmActors.Architecture.Tests;

/// <summary>Where unchecked code may be, and that it argues for itself.</summary>
public sealed class UnsafeTests
{
    private static readonly string[] s_projectsAllowed = ["src/Cpu/", "src/Persistence/", "src/Host/", "tests/"];

    [Fact]
    public void Unchecked_code_is_in_the_engine_and_two_native_call_files_and_gives_its_reasons() =>
        Finding.AssertNone(UnsafeRule.Check(Repository.Product));

    [Fact]
    public void Only_the_projects_with_unchecked_code_compile_it() => Finding.AssertNone(
        from project in Repository.Projects
        where project.Text.Contains("<AllowUnsafeBlocks>true", StringComparison.Ordinal)
        where !s_projectsAllowed.Any(allowed => project.Path.StartsWith(allowed, StringComparison.Ordinal))
        select new Finding(
            project.Path, 1, "AllowUnsafeBlocks is for src/Cpu and the two native-call files. Remove it."));
}
