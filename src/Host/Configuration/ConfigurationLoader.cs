// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Hocon;

namespace KvmActors.Host.Configuration;

/// <summary>From a file and <c>reference.conf</c> to <see cref="HostOptions"/>.</summary>
internal static class ConfigurationLoader
{
    /// <summary><c>hocon/reference.conf</c>, which is part of the program.</summary>
    public static HoconDocument Reference { get; } = HoconDocument.Parse("reference.conf", ReadReference());

    /// <param name="file">Null: the defaults.</param>
    /// <param name="node">Which of <c>kvmactors.nodes</c> to lay over the rest; null: none.</param>
    /// <exception cref="CliFault">The file is missing, cannot be read, or is wrong at a place the message
    /// names.</exception>
    public static HostOptions Load(string? file, string? node)
    {
        try
        {
            HoconDocument user = file is null ? HoconDocument.Parse("(no file)", "") : Read(file);
            KeyCheck.Check(user, Reference);
            return Bind(Select(user, file, node));
        }
        catch (HoconException fault)
        {
            throw new CliFault(fault.Message, fault);
        }
    }

    /// <exception cref="HoconException">A value of the wrong type or out of its bounds.</exception>
    public static HostOptions Bind(HoconDocument user) => HostOptions.Bind(
        user.WithFallback(Reference).Resolve(Environment.GetEnvironmentVariable));

    private static HoconDocument Read(string file)
    {
        try
        {
            return HoconDocument.Load(file);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CliFault(
                $"Expected a configuration file at {file}, found none that can be read: {fault.Message} "
                + "Name another with --config; hocon/node.conf is one to begin with.",
                fault);
        }
    }

    private static HoconDocument Select(HoconDocument user, string? file, string? node)
    {
        HoconConfig open = user.WithFallback(Reference).Resolve(Environment.GetEnvironmentVariable);
        IEnumerable<string> names = open.Find("kvmactors.nodes") is HoconValue.Object nodes ? nodes.Fields.Keys : [];
        string known = string.Join(", ", names);
        if (node is null)
        {
            return known.Length == 0
                ? user
                : throw new CliFault(
                    $"Expected --node NAME, because {file} describes several nodes; found none. "
                    + $"Choose one of: {known}.");
        }

        HoconDocument selected = user.Overlay(["kvmactors", "nodes", node], onto: "kvmactors")
            ?? throw new CliFault(
                known.Length == 0
                    ? $"Expected kvmactors.nodes.{node} in {file ?? "a configuration file"}, found no nodes there. "
                    + "Remove --node, or add the node."
                    : $"Expected a node of {file} for --node, found \"{node}\". Choose one of: {known}.");
        return HoconDocument.Parse("--node", $"kvmactors.node.name = \"{node}\"").WithFallback(selected);
    }

    private static string ReadReference()
    {
        using Stream stream = typeof(ConfigurationLoader).Assembly.GetManifestResourceStream("reference.conf")!;
        using StreamReader reader = new(stream);
        return reader.ReadToEnd();
    }
}
