// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Machine.Devices;

/// <summary>The test device as data.</summary>
/// <param name="Port">What ports E0h to E3h read back.</param>
/// <param name="Memory">Its memory up to the last byte that is not 0.</param>
public sealed record TestDeviceState(uint Port, ImmutableArray<byte> Memory)
{
    /// <summary>The size of the memory.</summary>
    public const int MemoryBytesMax = 64 * 1024;
}
