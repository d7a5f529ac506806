// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Cpu.Cpuid.Formats;

/// <summary>What a file gave.</summary>
/// <param name="LeftOut">What the file says beside CPUID and a table cannot hold, such as MSRs; in words.</param>
public sealed record CpuidFileReading(CpuidTable Table, CpuidFormat Format, ImmutableArray<string> LeftOut);
