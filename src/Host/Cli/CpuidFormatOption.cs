// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using KvmActors.Cpu.Cpuid.Formats;

namespace KvmActors.Host.Cli;

/// <summary>The option <c>--format</c> of every verb that writes a table.</summary>
internal static class CpuidFormatOption
{
    public static Option<CpuidFormat?> Build(string description = "Form of the table [default: raw]") =>
        VerbOptions.Choice<CpuidFormat>(
            "--format",
            description,
            [
                ("raw", CpuidFormat.Raw),
                ("json", CpuidFormat.Json),
                ("libvirt", CpuidFormat.Libvirt),
                ("firecracker", CpuidFormat.Firecracker),
            ]);
}
