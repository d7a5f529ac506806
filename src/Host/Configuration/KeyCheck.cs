// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Host.Hocon;

namespace KvmActors.Host.Configuration;

/// <summary>Finds keys that nothing reads: a misspelt setting must not pass in silence.</summary>
internal static class KeyCheck
{
    private const string Root = "kvmactors";

    private const int TyposMax = 4;

    /// <summary>Holds every key of <paramref name="user"/> against those of <paramref name="reference"/>. Keys below
    /// <c>kvmactors.nodes.NAME</c> count as keys of <c>kvmactors</c>; a root of its own is allowed where a
    /// substitution uses it.</summary>
    /// <exception cref="HoconException">The first key that the reference lacks, with the likest that it
    /// has.</exception>
    public static void Check(HoconDocument user, HoconDocument reference)
    {
        SortedSet<string> known = [.. reference.Keys().Select(key => string.Join('.', key.Path))];
        IReadOnlySet<string> referred = user.ReferredRoots();
        foreach ((ImmutableArray<string> path, HoconOrigin origin) in user.Keys())
        {
            ImmutableArray<string> setting = path is [Root, "nodes", _, .. { } below] ? [Root, .. below] : path;
            bool isOwn = setting[0] != Root && referred.Contains(setting[0]);
            string name = string.Join('.', setting);
            if (!isOwn && name != Root && !known.Contains(name) && !IsEmptyGroup(name, known))
            {
                throw Unknown(name, origin, known);
            }
        }
    }

    /// <summary><c>node {}</c> sets nothing, and is no mistake.</summary>
    private static bool IsEmptyGroup(string name, SortedSet<string> known) =>
        known.Any(key => key.StartsWith(name + ".", StringComparison.Ordinal));

    private static HoconException Unknown(string name, HoconOrigin origin, SortedSet<string> known)
    {
        (string key, int typos) = known.Select(key => (key, Distance(name, key))).MinBy(candidate => candidate.Item2);
        string lastWord = name[(name.LastIndexOf('.') + 1)..];
        string? sameWord = known.FirstOrDefault(
            candidate => candidate.EndsWith("." + lastWord, StringComparison.Ordinal));
        string? likest = typos <= TyposMax ? key : sameWord;
        return new HoconException(
            origin,
            "a key of reference.conf",
            name,
            likest is null ? "Remove it, or look it up in hocon/reference.conf." : $"Did you mean {likest}?");
    }

    /// <summary>Levenshtein: characters to insert, remove or replace.</summary>
    private static int Distance(string left, string right)
    {
        int[] row = [.. Enumerable.Range(0, right.Length + 1)];
        for (int i = 1; i <= left.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= right.Length; j++)
            {
                int replaced = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[^1];
    }
}
