// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using Google.Protobuf.Collections;
using KvmActors.Host.Control.V1;

namespace KvmActors.Host.Cli.Verbs;

/// <summary>The CPUID pool of a cluster, for people.</summary>
internal static class PoolText
{
    /// <summary>Names told in one line.</summary>
    private const int NamesMax = 6;

    /// <param name="pool">Null where the node that was asked is older than this message: then nothing is told.</param>
    public static void Write(PoolStatus? pool, CliTerminal terminal)
    {
        if (pool is null)
        {
            return;
        }

        terminal.Out.WriteLine();
        foreach (string line in Lines(pool))
        {
            terminal.Out.WriteLine(line);
        }
    }

    private static IEnumerable<string> Lines(PoolStatus pool)
    {
        yield return Head(pool);
        foreach (string problem in pool.Problems)
        {
            yield return problem;
        }

        if (pool.Nodes.Count > 1)
        {
            foreach (PoolShare share in pool.Shares.Where(share => share.Gains.Count > 0))
            {
                yield return Told(share);
            }

            string[] free = [.. pool.Shares.Where(share => share.Gains.Count == 0).Select(share => share.Node)];
            if (free.Length > 0)
            {
                yield return $"{Joined(free)} alone {(free.Length == 1 ? "costs" : "cost")} nothing.";
            }
        }

        foreach (string line in pool.Vms.SelectMany(Told))
        {
            yield return line;
        }
    }

    private static string Head(PoolStatus pool) => pool.Nodes.Count switch
    {
        0 => "POOL: no active node with a CPUID table that reads.",
        1 => $"POOL: 1 node, {Vendors(pool)}: {CountText.Of(pool.Features, "feature")} for a VM.",
        _ => $"POOL: {CountText.Of(pool.Nodes.Count, "node")}, {Vendors(pool)}: "
            + $"{CountText.Of(pool.Features, "feature")} for a VM that can run on each.",
    };

    private static string Told(PoolShare share)
    {
        string costs = share.Costs.Count == 0
            ? $"{share.Node} alone costs nothing."
            : $"{share.Node} alone costs: {Some(share.Costs, share.MoreCosts)}.";
        return $"{costs} Without it the pool would gain "
            + $"{CountText.Of((uint)share.Gains.Count + share.MoreGains, "thing")}.";
    }

    private static IEnumerable<string> Told(PoolPlacement vm)
    {
        if (vm.Problem.Length > 0)
        {
            yield return $"{vm.Vm}: where it can run is not known. {vm.Problem}";
            yield break;
        }

        yield return vm.CanRunOn.Count == 0
            ? $"{vm.Vm} can run on no node of the pool."
            : $"{vm.Vm} can run on {string.Join(", ", vm.CanRunOn)}.";
        foreach (PoolObstacle obstacle in vm.Obstacles)
        {
            yield return $"  Not on {obstacle.Node}, which lacks {Missing(obstacle)}.";
        }
    }

    /// <summary><c>smap (read by the guest); clwb, rdpid (never read); and 3 more</c></summary>
    private static string Missing(PoolObstacle obstacle)
    {
        string[] read = [.. obstacle.Read.Take(NamesMax)];
        string[] never = [.. obstacle.NeverRead.Take(NamesMax - read.Length)];
        long more = obstacle.Read.Count + obstacle.NeverRead.Count + obstacle.More - read.Length - never.Length;
        string[] parts =
        [
            read.Length == 0 ? "" : $"{string.Join(", ", read)} (read by the guest)",
            never.Length == 0 ? "" : $"{string.Join(", ", never)} (never read)",
            more == 0 ? "" : $"and {Number(more)} more",
        ];
        return string.Join("; ", parts.Where(part => part.Length > 0));
    }

    private static string Vendors(PoolStatus pool) =>
        Joined([.. pool.Vendors.Select(vendor => vendor.Length == 0 ? "no vendor" : vendor)]);

    private static string Some(RepeatedField<string> names, uint further)
    {
        long more = Math.Max(0, names.Count - NamesMax) + further;
        return string.Join(", ", names.Take(NamesMax)) + (more > 0 ? $" and {Number(more)} more" : "");
    }

    private static string Joined(string[] words) => words.Length < 2
        ? string.Concat(words)
        : $"{string.Join(", ", words.SkipLast(1))} and {words[^1]}";

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
