// SPDX-License-Identifier: Apache-2.0

using System.Net;
using KvmActors.Cpu;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Host.Hocon;
using KvmActors.Persistence;

namespace KvmActors.Host.Configuration;

/// <summary>Keys below <c>kvmactors.node</c>.</summary>
/// <param name="Link">Where it listens.</param>
/// <param name="Advertised">HOST:PORT that others are told; null: <paramref name="Link"/>.</param>
/// <param name="HostVendor">Null: that of this machine's CPU.</param>
/// <param name="CpuidFile">Null: the CPUID of this machine's CPU.</param>
/// <param name="Rehearses">See <see cref="Node.Rehearsal"/>.</param>
internal sealed record NodeOptions(
    string Name,
    IPEndPoint Link,
    string? Advertised,
    HostVendor? HostVendor,
    string? CpuidFile,
    TimeSpan ShutdownTimeout,
    bool Rehearses)
{
    /// <summary>What executes its VMs' instructions.</summary>
    public EngineChoice Engine { get; init; }

    /// <summary>Zero: its VMs are taken over.</summary>
    public TimeSpan DrainTimeout { get; init; }

    public int DrainParallel { get; init; }

    private const string FilePrefix = "file ";

    public static NodeOptions Bind(HoconConfig config) => new(
        ReadName(config),
        ReadLink(config),
        ReadAdvertised(config),
        config.GetChoice<HostVendor?>(
            "kvmactors.node.host-vendor",
            [("host", null), ("intel", Cpu.Hypercalls.HostVendor.Intel), ("amd", Cpu.Hypercalls.HostVendor.Amd)]),
        ReadCpuidFile(config),
        config.GetDuration("kvmactors.node.shutdown-timeout", TimeSpan.Zero, TimeSpan.FromMinutes(10)),
        config.GetBoolean("kvmactors.node.rehearsal"))
    {
        Engine = ReadEngine(config),
        DrainTimeout = config.GetDuration("kvmactors.node.drain-timeout", TimeSpan.Zero, TimeSpan.FromHours(24)),
        DrainParallel = (int)config.GetInteger("kvmactors.node.drain-parallel", 1, 64),
    };

    /// <summary>What others are told, given where it really listens: a port of 0 has become another.</summary>
    public string AddressAt(IPEndPoint bound) => Advertised switch
    {
        null => bound.ToString(),
        _ when LinkAddress.TryParseHost(Advertised, out string? host, out int port) && port == 0 =>
            $"{host}:{bound.Port}",
        _ => Advertised,
    };

    private static EngineChoice ReadEngine(HoconConfig config)
    {
        const string Path = "kvmactors.node.engine";
        return config.GetText(Path) != "lockstep"
            ? config.GetChoice(Path, ConfigurationWords.Engines)
            : throw config.Wrong(
                Path,
                "auto, interpreter or translator",
                "A node runs each guest once; kvmactors run --engine lockstep compares both engines.");
    }

    private static string ReadName(HoconConfig config)
    {
        string name = config.GetText("kvmactors.node.name");
        return VmId.TryParse(name, out _)
            ? name
            : throw config.Wrong(
                "kvmactors.node.name", "1 to 63 characters a-z, 0-9 and '-', first a letter", "Choose such a name.");
    }

    private static IPEndPoint ReadLink(HoconConfig config)
    {
        const string Path = "kvmactors.node.link";
        if (!LinkAddress.TryParse(config.GetText(Path), out IPEndPoint? link))
        {
            throw config.Wrong(
                Path, "HOST:PORT with an IP address or localhost", "Write for example \"127.0.0.1:5101\".");
        }

        return IPAddress.IsLoopback(link.Address) || HasTls(config) ? link : throw NeedsTls(config, Path);
    }

    private static string? ReadAdvertised(HoconConfig config)
    {
        const string Path = "kvmactors.node.advertised";
        IPAddress link = ReadLink(config).Address;
        if (config.GetOptionalText(Path) is not { } text)
        {
            return link.Equals(IPAddress.Any) || link.Equals(IPAddress.IPv6Any)
                ? throw config.Wrong(
                    Path,
                    "HOST:PORT",
                    $"node.link is {link}, every address of this machine: say at which of them, or by which name, "
                    + "others reach it.")
                : null;
        }

        if (!LinkAddress.TryParseHost(text, out string? host, out _))
        {
            throw config.Wrong(
                Path, "HOST:PORT with an IP address or a name", "Write for example \"node-1.example:5101\".");
        }

        return LinkAddress.IsLoopback(host) || HasTls(config) ? text : throw NeedsTls(config, Path);
    }

    private static bool HasTls(HoconConfig config) => config.GetOptionalText(TlsOptions.CertificateKey) is not null;

    private static HoconException NeedsTls(HoconConfig config, string path) => config.Wrong(
        path,
        "a loopback address (127.0.0.1, [::1] or localhost), or mutual TLS (kvmactors.tls.certificate),",
        "Whoever reaches a node's link controls its VMs: make certificates with kvmactors cert, or stay on loopback.");

    private static string? ReadCpuidFile(HoconConfig config)
    {
        const string Path = "kvmactors.node.cpuid-source";
        string source = config.GetText(Path);
        if (source == "host")
        {
            return null;
        }

        string file = source.StartsWith(FilePrefix, StringComparison.Ordinal) ? source[FilePrefix.Length..].Trim() : "";
        return file.Length > 0
            ? file
            : throw config.Wrong(
                Path, "\"host\" or \"file PATH\"", "Name a file in the format of cpuid -r, or use host.");
    }
}
