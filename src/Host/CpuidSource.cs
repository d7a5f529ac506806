// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Formats;
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
    public static string ReadText(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CliFault(
                $"Expected a CPUID dump at {file}, found none that can be read: {fault.Message} "
                + "Make one with: cpuid -1 -r > FILE",
                fault);
        }
    }

    /// <param name="file">Null: this machine's CPU.</param>
    /// <exception cref="CliFault">The file cannot be read or is no dump; or this machine has no CPUID.</exception>
    public static CpuidTable Read(string? file)
    {
        if (file is null)
        {
            return HostCpuid.IsSupported
                ? CpuidVetting.CutToEngine(HostCpuid.Read())
                : throw new CliFault(
                    "Expected an x86 CPU to take CPUID from, found another kind. Name a file of cpuid -r output.");
        }

        try
        {
            return CpuidVetting.CutToEngine(CpuidText.Read(ReadText(file)));
        }
        catch (CpuidFormatException fault)
        {
            throw new CliFault($"{file}: {fault.Message} Make a dump with: cpuid -1 -r > FILE", fault);
        }
    }
}
