// SPDX-License-Identifier: Apache-2.0

using System.Globalization;

namespace KvmActors.Benchmarks.Engine;

/// <summary>The command line.</summary>
/// <param name="Only">Names of what is measured; empty: all.</param>
/// <param name="Rounds">Of which the median is taken.</param>
/// <param name="WithPeers">Whether other emulators are run.</param>
/// <param name="AsJson">Whether the output is one JSON object instead of Markdown.</param>
internal sealed record BenchmarkOptions(IReadOnlySet<string> Only, int Rounds, bool WithPeers, bool AsJson)
{
    public const string Help = """
        Usage: dotnet run -c Release --project benchmarks/Engine [-- OPTIONS]

          --only NAME[,NAME]  Measure only these. Rows: alu, mem, fib, sieve, large, cold, tlb, random, rep, sse,
                              packed, exceptions, syscall, ports. Others: translation, machines, start, idle.
          --rounds N          Median of N [default: 5]
          --no-peers          Without QEMU and Bochs, though they are installed.
          --json              One JSON object instead of Markdown.
          --help              This.
        """;

    private const int RoundsDefault = 5;

    /// <summary>Null if only the help is wanted.</summary>
    /// <exception cref="ArgumentException">An option that is not there, or a wrong value.</exception>
    public static BenchmarkOptions? Parse(IReadOnlyList<string> arguments, IReadOnlyCollection<string> names)
    {
        BenchmarkOptions options = new(new HashSet<string>(), RoundsDefault, WithPeers: true, AsJson: false);
        for (int at = 0; at < arguments.Count; at++)
        {
            switch (arguments[at])
            {
                case "--help":
                    return null;
                case "--no-peers":
                    options = options with { WithPeers = false };
                    break;
                case "--json":
                    options = options with { AsJson = true };
                    break;
                case "--only":
                    options = options with { Only = Names(Next(arguments, ref at), names) };
                    break;
                case "--rounds":
                    options = options with { Rounds = Count(Next(arguments, ref at)) };
                    break;
                default:
                    throw new ArgumentException($"Expected an option, found {arguments[at]}.\n{Help}");
            }
        }

        return options;
    }

    public bool Wants(string name) => Only.Count == 0 || Only.Contains(name);

    private static string Next(IReadOnlyList<string> arguments, ref int at) =>
        ++at < arguments.Count
            ? arguments[at]
            : throw new ArgumentException($"Expected a value behind {arguments[^1]}.\n{Help}");

    private static HashSet<string> Names(string list, IReadOnlyCollection<string> names)
    {
        HashSet<string> only = [.. list.Split(',')];
        return only.FirstOrDefault(name => !names.Contains(name)) is not { } unknown
            ? only
            : throw new ArgumentException($"Expected names out of {string.Join(", ", names)}; found {unknown}.");
    }

    private static int Count(string number) =>
        int.TryParse(number, CultureInfo.InvariantCulture, out int count) && count > 0
            ? count
            : throw new ArgumentException($"Expected a number of rounds, found {number}.");
}
