// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Cpu.Cpuid.Names;

/// <summary>What one feature takes for granted of others, read once from <c>Dependencies.txt</c>, which is part of the
/// assembly.</summary>
public static class CpuidDependencies
{
    private const string Table = "KvmActors.Cpu.Cpuid.Dependencies.txt";

    private static readonly ImmutableArray<CpuidDependency> s_all = Read();

    /// <summary>In the table's order.</summary>
    public static ImmutableArray<CpuidDependency> All => s_all;

    private static ImmutableArray<CpuidDependency> Read()
    {
        using Stream table = typeof(CpuidDependencies).Assembly.GetManifestResourceStream(Table)!;
        using StreamReader reader = new(table);
        ImmutableArray<CpuidDependency>.Builder all = ImmutableArray.CreateBuilder<CpuidDependency>();
        for (int number = 1; reader.ReadLine() is { } line; number++)
        {
            if (line.Length > 0 && line[0] != '#')
            {
                all.AddRange(Of(number, line.Split(' ', StringSplitOptions.RemoveEmptyEntries)));
            }
        }

        return all.ToImmutable();
    }

    private static IEnumerable<CpuidDependency> Of(int line, string[] words)
    {
        int verb = Array.FindIndex(words, word => word is "needs" or "expects");
        if (verb <= 0 || verb == words.Length - 1)
        {
            throw new InvalidOperationException(
                $"Dependencies.txt, line {line}: expected \"FEATURE needs FEATURE\" or \"FEATURE expects FEATURE\", "
                + "found "
                + $"\"{string.Join(' ', words)}\".");
        }

        return
            from feature in words[..verb]
            from needed in words[(verb + 1)..]
            select new CpuidDependency(
                CpuidFeatures.Named(feature),
                [.. needed.Split('|').Select(CpuidFeatures.Named)],
                words[verb] == "needs");
    }
}
