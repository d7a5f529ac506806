// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine.Loaders;

/// <summary>An entry of the memory map that a kernel is given.</summary>
/// <param name="Type">As INT 15h, E820h numbers it: 1 RAM, 2 reserved. Source: ACPI 6.5, section 15 "System Address Map
/// Interfaces".</param>
internal readonly record struct MemoryRange(ulong Start, ulong Bytes, uint Type);
