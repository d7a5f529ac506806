// SPDX-License-Identifier: Apache-2.0

using System.Reflection;
using Xunit;

namespace KvmActors.Simulation.Tests.CrashPoints;

/// <summary>Every crash point of the protocol has a test that carries its number, and the documentation names
/// it.</summary>
public sealed class CrashPointListTests
{
    public static TheoryData<string> All() =>
    [
        .. Enumerable.Range(1, 6).Select(number => $"A{number}"),
        "S1",
        "S2",
        .. Enumerable.Range(1, 8).Select(number => $"N{number}"),
        .. Enumerable.Range(1, 12).Select(number => $"H{number}"),
    ];

    [Theory]
    [MemberData(nameof(All))]
    public void Every_crash_point_has_a_test_and_a_line_in_the_documentation(string crashPoint)
    {
        string[] tests = [.. TestsOf(crashPoint)];
        string table = File.ReadAllText(Path.Combine(Root(), "docs", "testing.md"));

        Assert.NotEmpty(tests);
        Assert.All(tests, test => Assert.Contains($"| {crashPoint} | `{test}` |", table, StringComparison.Ordinal));
    }

    private static string Root()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "KvmActors.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName
            ?? throw new InvalidOperationException($"Expected a repository above {AppContext.BaseDirectory}.");
    }

    private static IEnumerable<string> TestsOf(string crashPoint) => typeof(CrashPointListTests).Assembly.GetTypes()
        .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly))
        .Where(method => method.GetCustomAttribute<FactAttribute>() is { Skip: null })
        .Select(method => method.Name)
        .Where(name => name.StartsWith($"{crashPoint}_", StringComparison.Ordinal));
}
