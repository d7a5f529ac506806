// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Machine;

/// <summary>That bytes come to the console at a VM time: before the instruction that would be retired next
/// there.</summary>
public readonly record struct SoloInput(ulong VmTime, ImmutableArray<byte> Bytes);
