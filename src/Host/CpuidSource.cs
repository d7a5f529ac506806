// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.KvmApi;
using KvmActors.Cpu.Cpuid.Vetting;
using KvmActors.Cpu.Hypercalls;

namespace KvmActors.Host;

/// <summary>The CPUID that a host offers: this machine's or that of a text dump, cut down to what the engine
/// executes.</summary>
internal static class CpuidSource
{
    private const string Host = "host";

    private const string FilePrefix = "file ";

    /// <summary>Reads "host", "FILE" or "file FILE", as the configuration and the command line name a source.</summary>
    /// <returns>Null for this machine's CPU.</returns>
    public static string? FileOf(string? source) => source switch
    {
        null or Host => null,
        _ => source.StartsWith(FilePrefix, StringComparison.Ordinal) ? source[FilePrefix.Length..].Trim() : source,
    };

    /// <summary>Whose hypercall instruction is native on this machine's CPU: AMD's on AMD and Hygon, Intel's on all
    /// others.</summary>
    public static HostVendor VendorOfHost() =>
        HostCpuid.IsSupported && HostCpuid.Read().Vendor is "AuthenticAMD" or "HygonGenuine"
            ? HostVendor.Amd
            : HostVendor.Intel;

    /// <exception cref="CliFault">The file cannot be read.</exception>
    public static string ReadText(string file) => CpuidTableSource.ReadFile(file);

    /// <param name="file">Null: this machine's CPU. Else what <see cref="CpuidTableSource"/> takes.</param>
    /// <exception cref="CliFault">The file cannot be read or is no table; or this machine has no CPUID.</exception>
    public static CpuidTable Read(string? file, CpuidDialect dialect = CpuidDialect.Kvm) =>
        Cut(CpuidTableSource.Load(file ?? CpuidTableSource.Host), dialect);

    /// <summary>What a guest may have of a raw table, in the dialect of its VM.</summary>
    public static CpuidTable Cut(CpuidTable raw, CpuidDialect dialect) => dialect switch
    {
        CpuidDialect.Kvm => CpuidVetting.CutToEngine(raw),
        // Every host that could run this has EFER.NXE set.
        CpuidDialect.Kvm2007 => KvmSupported2007.Read(raw, hostHasNx: true),
    };
}
