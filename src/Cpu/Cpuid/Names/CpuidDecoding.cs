// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Cpu.Cpuid.Names;

/// <summary>A table in words.</summary>
/// <param name="Summary">What a person asks first.</param>
/// <param name="Leaves">Every entry, in the table's order: nothing is dropped.</param>
public sealed record CpuidDecoding(CpuidSummary Summary, ImmutableArray<CpuidDecodedLeaf> Leaves);
