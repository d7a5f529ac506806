// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using System.Text;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Host.Configuration;
using KvmActors.Host.Store;
using KvmActors.Persistence.Postgres;

namespace KvmActors.Host.Demo;

/// <summary>The HOCON file of the demo's three nodes.</summary>
/// <remarks>A node of this machine's own vendor offers the CPUID of this machine; one of the other vendor that of a
/// server whose dump comes with the program.</remarks>
internal static class DemoConfiguration
{
    /// <summary>Dumps beside the program, by vendor: from samples/cpuid.</summary>
    private const string IntelDump = "intel-xeon-platinum-9242.txt";

    private const string AmdDump = "amd-epyc-9334.txt";

    /// <returns>Null where the node offers this machine's CPUID.</returns>
    public static string? DumpFor(HostVendor vendor)
    {
        if (HostCpuid.IsSupported && CpuidSource.VendorOfHost() == vendor)
        {
            return null;
        }

        string file = vendor == HostVendor.Intel ? IntelDump : AmdDump;
        return Path.Combine(AppContext.BaseDirectory, "cpuid", file);
    }

    public static string NameOf(int index) => $"node-{index + 1}";

    /// <summary>What <see cref="DemoNode.CpuidSource"/> says.</summary>
    public static string Describe(HostVendor vendor) => DumpFor(vendor) is { } dump
        ? $"dump {Path.GetFileName(dump)}"
        : "this machine";

    public static string Text(DemoOptions options, string storeFile)
    {
        StringBuilder text = new();
        text.AppendLine("# Written by `kvmactors demo`.")
            .AppendLine("kvmactors {")
            .Append(options.Store is { } store
                ? StoreLines(StoreOpening.ParseAddress(store))
                : $"  store.path = {Quote(storeFile)}\n")
            .AppendLine($"  flight.folder = {Quote(storeFile + ".flight")}")
            .AppendLine("  # Short, so that a takeover has a snapshot to start from that is not the first one.")
            .AppendLine("  journal.snapshot-interval = 500ms")
            .AppendLine("  # A demo is over before a rehearsal pays.")
            .AppendLine("  node.rehearsal = off")
            .AppendLine("  nodes {");
        for (int i = 0; i < options.Vendors.Length; i++)
        {
            HostVendor vendor = options.Vendors[i];
            string source = DumpFor(vendor) is { } dump ? $"file {dump}" : "host";
            text.AppendLine($"    {NameOf(i)} {{")
                .AppendLine("      node.link = \"127.0.0.1:0\"")
                .AppendLine($"      node.host-vendor = {ConfigurationWords.Of(vendor)}")
                .AppendLine($"      node.cpuid-source = {Quote(source)}")
                .AppendLine("    }");
        }

        return text.AppendLine("  }").AppendLine("}").ToString();
    }

    private static string StoreLines(PostgresAddress address) => string.Create(
        CultureInfo.InvariantCulture,
        $$"""
          store.kind = postgres
          store.postgres {
            host = {{Quote(address.Host)}}
            port = {{address.Port}}
            database = {{Quote(address.Database)}}
            user = {{Quote(address.User)}}
            schema = {{Quote(address.Schema)}}
            password-file = {{Quote(address.PasswordFile ?? "")}}
            ssl-mode = {{address.SslMode}}
            root-certificate = {{Quote(address.RootCertificate ?? "")}}
          }
          # Only its lease tells of a killed node here; a short one, so that the demo is short.
          cluster { lease = 3s, renew = 500ms, grace = 500ms }

        """);

    private static string Quote(string text) =>
        $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
}
