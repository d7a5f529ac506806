// SPDX-License-Identifier: Apache-2.0

using System.Globalization;

namespace KvmActors.Torture.Cluster;

/// <summary>A network namespace for each node, on one bridge. Addresses are below 127.77.0.0/16, so that nodes and
/// server have plain links there, although they are not on the loopback device.</summary>
/// <remarks>All names begin with <see cref="Prefix"/>; what a killed run left over is removed at the start. One at a
/// time on a machine.</remarks>
internal sealed class NodeNetwork : IDisposable
{
    private const string Prefix = "kvmt";
    private const string Bridge = $"{Prefix}-br";
    private const string Range = "127.77.0.0/16";

    private readonly int _count;
    private readonly FileStream _turn;

    /// <param name="count">Nodes, numbered from 1.</param>
    /// <exception cref="IOException">Another run is at work on this machine.</exception>
    public NodeNetwork(int count)
    {
        // Without sharing, .NET takes a flock, which a killed run gives back.
        _turn = new FileStream(
            Path.Combine(Path.GetTempPath(), "kvmactors-torture.lock"),
            FileMode.OpenOrCreate,
            FileAccess.ReadWrite,
            FileShare.None);
        _count = count;
        RemoveLeftovers();
        try
        {
            Create();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Null where network namespaces can be had; else why not.</summary>
    public static string? Missing => s_missing.Value;

    /// <summary>Address of the machine itself, where the test and a server are.</summary>
    public static string Outside => "127.77.255.254";

    private static readonly Lazy<string?> s_missing = new(FindMissing);

    public static string AddressOf(int node) => string.Create(CultureInfo.InvariantCulture, $"127.77.0.{node}");

    /// <summary>The command that runs another one in the namespace of a node, in its own place.</summary>
    public static string[] Inside(int node) => ["ip", "netns", "exec", Namespace(node)];

    /// <summary>Nothing of <paramref name="from"/> reaches <paramref name="to"/> any more.</summary>
    public static Undo Cut(int from, int to) => Rule(to, "INPUT", "-s", AddressOf(from), "-j", "DROP");

    /// <summary>The node loses so much of what is sent to it.</summary>
    public static Undo Lose(int node, double share) => Rule(
        node, "INPUT", "-m", "statistic", "--mode", "random", "--probability",
        share.ToString("0.00", CultureInfo.InvariantCulture), "-j", "DROP");

    /// <summary>Nothing goes from the node to a port of the machine itself, nor back.</summary>
    public static Undo CutFromOutside(int node, int port)
    {
        string text = port.ToString(CultureInfo.InvariantCulture);
        Undo there = Rule(node, "OUTPUT", "-p", "tcp", "-d", Outside, "--dport", text, "-j", "DROP");
        Undo back = Rule(node, "INPUT", "-p", "tcp", "-s", Outside, "--sport", text, "-j", "DROP");
        return () =>
        {
            there();
            back();
        };
    }

    /// <summary>Takes back what was done.</summary>
    internal delegate void Undo();

    /// <summary>All links are whole again.</summary>
    public void Heal()
    {
        for (int node = 1; node <= _count; node++)
        {
            InNamespace(node, "iptables", "-w", "-F");
        }
    }

    public void Dispose()
    {
        RemoveLeftovers();
        _turn.Dispose();
    }

    private static Undo Rule(int node, string chain, params string[] rule)
    {
        InNamespace(node, ["iptables", "-w", "-A", chain, .. rule]);

        // It may be gone with all others by then.
        return () => OutsideProgram.Try(
            "ip", ["netns", "exec", Namespace(node), "iptables", "-w", "-D", chain, .. rule]);
    }

    private static string Namespace(int node) => $"{Prefix}-node-{node.ToString(CultureInfo.InvariantCulture)}";

    private static string Link(int node) => $"{Prefix}-{node.ToString(CultureInfo.InvariantCulture)}";

    private static void InNamespace(int node, params string[] command) =>
        OutsideProgram.Run("ip", ["netns", "exec", Namespace(node), .. command]);

    private void Create()
    {
        Ip("link", "add", Bridge, "type", "bridge");
        Ip("addr", "add", $"{Outside}/32", "dev", Bridge);
        File.WriteAllText($"/proc/sys/net/ipv4/conf/{Bridge}/route_localnet", "1");
        Ip("link", "set", Bridge, "up");
        Ip("route", "add", Range, "dev", Bridge, "src", Outside, "table", "local");
        for (int node = 1; node <= _count; node++)
        {
            Ip("netns", "add", Namespace(node));
            Ip("link", "add", Link(node), "type", "veth", "peer", "name", "eth0", "netns", Namespace(node));
            Ip("link", "set", Link(node), "master", Bridge, "up");
            InNamespace(node, "ip", "link", "set", "lo", "up");
            InNamespace(
                node,
                "sh",
                "-c",
                "for each in all eth0; do echo 1 > /proc/sys/net/ipv4/conf/$each/route_localnet; done");
            InNamespace(node, "ip", "addr", "add", $"{AddressOf(node)}/32", "dev", "eth0");
            InNamespace(node, "ip", "link", "set", "eth0", "up");
            InNamespace(
                node, "ip", "route", "add", Range, "dev", "eth0", "src", AddressOf(node), "table", "local");
        }
    }

    private static void Ip(params string[] arguments) => OutsideProgram.Run("ip", arguments);

    private static void RemoveLeftovers()
    {
        foreach (string name in OutsideProgram.Run("ip", "netns", "list")
            .Split('\n')
            .Select(line => line.Split(' ')[0])
            .Where(name => name.StartsWith($"{Prefix}-", StringComparison.Ordinal)))
        {
            // Nodes that a killed run left stopped.
            foreach (string process in OutsideProgram.Run("ip", "netns", "pids", name)
                .Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                OutsideProgram.Try("kill", "-KILL", process);
            }

            Ip("netns", "del", name);
        }

        foreach (string link in Directory.GetDirectories("/sys/class/net", $"{Prefix}-*"))
        {
            // Links into a namespace go with it, a moment later.
            OutsideProgram.Try("ip", "link", "del", Path.GetFileName(link));
        }
    }

    private static string? FindMissing()
    {
        const string Probe = $"{Prefix}-probe";
        if (Environment.UserName != "root")
        {
            return $"Network namespaces want root, found the user {Environment.UserName}.";
        }

        (int exitCode, string text) = OutsideProgram.Try("ip", "netns", "add", Probe);
        if (exitCode != 0)
        {
            return $"Expected ip netns add to make a network namespace, found: {text.Trim()}";
        }

        (exitCode, text) = OutsideProgram.Try(
            "ip", "netns", "exec", Probe, "iptables", "-w", "-A", "INPUT", "-m", "statistic", "--mode", "random",
            "--probability", "0.2", "-j", "DROP");
        Ip("netns", "del", Probe);
        return exitCode == 0
            ? null
            : "Expected iptables with -m statistic in a network namespace (on Debian: apt-get install iptables), "
                + $"found: {text.Trim()}";
    }
}
