// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Cpuid.Fleet;

namespace KvmActors.Host.Fleet;

/// <summary>Hosts of a fleet, as the command line names them.</summary>
internal static class FleetHosts
{
    /// <summary>Loads every host, and calls it by its file's name, or by the whole word where two files are called
    /// alike.</summary>
    /// <exception cref="CliFault">A table is missing or does not read, or standard input is named twice.</exception>
    public static ImmutableArray<CpuidHost> Load(IReadOnlyList<string> words, Stream input)
    {
        CpuidTableSource.RefuseTwoInputs(words);
        HashSet<string> seen = [];
        return
        [
            .. words.Select(word => new CpuidHost(
                Unique(words.Count(other => NameOf(other) == NameOf(word)) == 1 ? NameOf(word) : word, seen),
                CpuidTableSource.LoadDetails(word, input).Table)),
        ];
    }

    /// <summary>The pool after a host joined or left.</summary>
    /// <exception cref="CliFault">No such host, or the last one.</exception>
    public static ImmutableArray<CpuidHost> Apply(
        FleetWhatIf whatIf, ImmutableArray<CpuidHost> hosts, IReadOnlyList<string> words, Stream input)
    {
        if (whatIf.Word == FleetWhatIf.Add)
        {
            CpuidTableSource.RefuseTwoInputs([.. words, whatIf.Host]);
            return hosts.Add(new CpuidHost(
                NameOf(whatIf.Host), CpuidTableSource.LoadDetails(whatIf.Host, input).Table));
        }

        int position = Enumerable.Range(0, hosts.Length)
            .Where(i => hosts[i].Name == whatIf.Host || words[i] == whatIf.Host)
            .Append(-1)
            .First();
        if (position < 0 || hosts.Length == 1)
        {
            string names = string.Join(", ", hosts.Select(host => host.Name));
            string sentence = position < 0
                ? $"Expected a host of the pool to remove, found \"{whatIf.Host}\". Choose one of: {names}."
                : $"Expected a pool of two hosts or more to remove one, found only {names}. Name more hosts.";
            throw new CliFault(sentence, exitCode: CliFault.Usage);
        }

        return hosts.RemoveAt(position);
    }

    /// <summary>How a host is called in what a verb prints.</summary>
    public static string NameOf(string word) =>
        word.StartsWith(CpuidTableSource.ModelPrefix, StringComparison.Ordinal) || Path.GetFileName(word).Length == 0
            ? word
            : Path.GetFileName(word);

    private static string Unique(string name, HashSet<string> seen)
    {
        string unique = name;
        for (int number = 2; !seen.Add(unique); number++)
        {
            unique = $"{name}#{number}";
        }

        return unique;
    }
}
