// SPDX-License-Identifier: Apache-2.0

using KvmActors.Architecture.Tests.Rules;
using Xunit;

namespace KvmActors.Architecture.Tests;

/// <summary>The habits of this code that a machine can check.</summary>
public sealed class SourceTidyTests
{
    [Fact]
    public void Every_method_file_and_line_keeps_its_bound() =>
        Finding.AssertNone(Repository.CSharp.SelectMany(SizeRule.Check));

    [Fact]
    public void A_file_is_named_after_its_type_and_holds_nothing_else_of_weight() =>
        Finding.AssertNone(Repository.CSharp.SelectMany(ShapeRule.Check));

    [Fact]
    public void Namespaces_follow_folders_and_every_name_says_something() =>
        Finding.AssertNone(Repository.CSharp.SelectMany(NamespaceRule.Check));

    [Fact]
    public void Every_file_has_its_licence_line_and_no_unfinished_work() =>
        Finding.AssertNone(Repository.CSharp.SelectMany(TextRule.Check));

    [Fact]
    public void No_unbounded_channel_debug_assert_sleep_or_log_line_in_place() =>
        Finding.AssertNone(Repository.CSharp.SelectMany(CallRule.Check));

    [Fact]
    public void The_tests_see_the_sources_they_judge()
    {
        Assert.Contains(Repository.CSharp, file => file.Path == "src/Cpu/VmExit.cs");
        Assert.DoesNotContain(Repository.CSharp, file => file.Path.Contains("/obj/", StringComparison.Ordinal));
    }
}
