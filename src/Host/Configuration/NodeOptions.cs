// SPDX-License-Identifier: Apache-2.0

using System.Net;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Host.Hocon;
using KvmActors.Persistence;

namespace KvmActors.Host.Configuration;

/// <summary>Keys below <c>kvmactors.node</c>.</summary>
/// <param name="HostVendor">Null: that of this machine's CPU.</param>
/// <param name="CpuidFile">Null: the CPUID of this machine's CPU.</param>
internal sealed record NodeOptions(
    string Name, IPEndPoint Link, HostVendor? HostVendor, string? CpuidFile, TimeSpan ShutdownTimeout)
{
    private const string FilePrefix = "file ";

    public static NodeOptions Bind(HoconConfig config) => new(
        ReadName(config),
        ReadLink(config),
        config.GetChoice<HostVendor?>(
            "kvmactors.node.host-vendor",
            [("host", null), ("intel", Cpu.Hypercalls.HostVendor.Intel), ("amd", Cpu.Hypercalls.HostVendor.Amd)]),
        ReadCpuidFile(config),
        config.GetDuration("kvmactors.node.shutdown-timeout", TimeSpan.Zero, TimeSpan.FromMinutes(10)));

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

        return IPAddress.IsLoopback(link.Address)
            ? link
            : throw config.Wrong(
                Path,
                "a loopback address (127.0.0.1, [::1] or localhost)",
                "Anyone who reaches a node's link controls its VMs, and there is no mutual TLS yet: stay on loopback.");
    }

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
