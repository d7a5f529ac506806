// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid.Fleet;

/// <summary>Something that <see cref="CpuidLint"/> found.</summary>
/// <param name="Rule">The rule's id, for instance feature-needs.</param>
/// <param name="Register">Null if the whole entry is meant.</param>
/// <param name="Bit">Null if not one bit is meant.</param>
/// <param name="Sentence">What was expected, what was found, and what to do.</param>
public sealed record CpuidFinding(
    string Rule, CpuidSeverity Severity, uint Leaf, uint Subleaf, CpuidRegister? Register, int? Bit, string Sentence);
