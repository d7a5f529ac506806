// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Hypercalls;

/// <summary>What is to be done about a hypercall.</summary>
/// <param name="Result">The answer, negative for an error. Where there is an effect: that of a vCPU that is alone, with
/// nobody to carry it out.</param>
/// <param name="Effect">What the call asks for beyond its own vCPU; whoever carries it out gives the answer.</param>
public readonly record struct HypercallDecision(long Result, HypercallEffect? Effect);
