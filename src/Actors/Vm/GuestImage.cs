// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Vm;

/// <summary>What a guest boots from.</summary>
/// <param name="Bytes">The boot image's file.</param>
/// <param name="CommandLine">For the guest, verbatim; by custom its first word names the image.</param>
public sealed record GuestImage(ReadOnlyMemory<byte> Bytes, string CommandLine)
{
    /// <summary>The initial RAM disk, or nothing.</summary>
    public ReadOnlyMemory<byte> Initrd { get; init; }
}
