// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu;

namespace KvmActors.Machine.Loaders;

/// <summary>A guest image, read and checked: what goes where in memory, and where execution starts. Made by
/// <see cref="BootImageLoader"/>.</summary>
/// <param name="Protocol">The state of the first instruction.</param>
/// <param name="Segments">What the image fills, in the file's order; a later one overwrites an earlier one.</param>
/// <param name="EntryPoint">Address of the first instruction.</param>
/// <param name="CommandLine">Text for the guest, verbatim; by custom its first word names the image. Empty if
/// none.</param>
public sealed record BootImage(
    BootProtocol Protocol,
    ImmutableArray<BootSegment> Segments,
    Gpa EntryPoint,
    string CommandLine)
{
    /// <summary>The initial RAM disk, or nothing: Linux's initramfs, PVH's or multiboot's first module.</summary>
    public ReadOnlyMemory<byte> Initrd { get; init; }

    /// <summary>A bzImage's own setup header, for Linux's boot parameters; empty for other images.</summary>
    internal ReadOnlyMemory<byte> SetupHeader { get; init; }
}
