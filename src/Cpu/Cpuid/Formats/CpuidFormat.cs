// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid.Formats;

/// <summary>The forms in which a table is kept in a file.</summary>
public enum CpuidFormat
{
    /// <summary>What the program <c>cpuid -r</c> prints: <see cref="CpuidText"/>.</summary>
    Raw = 0,

    /// <summary>Ours, which keeps everything: <see cref="CpuidJson"/>.</summary>
    Json = 1,

    /// <summary>libvirt's <c>cpudata</c> XML: <see cref="CpuidLibvirt"/>.</summary>
    Libvirt = 2,

    /// <summary>A Firecracker CPU template: <see cref="CpuidFirecracker"/>.</summary>
    Firecracker = 3,
}
