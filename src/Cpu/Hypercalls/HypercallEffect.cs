// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Apic;

namespace KvmActors.Cpu.Hypercalls;

/// <summary>What a hypercall asks for beyond its own vCPU, as data. Whoever owns the VM carries it out.</summary>
public abstract record HypercallEffect
{
    private HypercallEffect()
    {
    }

    /// <summary>Wakes a vCPU out of the HLT it is in, or else out of its next one, and yields to it. Answers 0, also if
    /// there is no such vCPU.</summary>
    public sealed record Kick(uint ApicId) : HypercallEffect;

    /// <summary>Gives the rest of the caller's turn to a vCPU. Answers 0, also if there is no such vCPU or it stands
    /// still.</summary>
    public sealed record Yield(ulong ApicId) : HypercallEffect;

    /// <summary>Sends an interrupt to each vCPU of a set. Answers how many took it.</summary>
    /// <param name="Targets">Bit n is the vCPU whose APIC id is <paramref name="FirstApicId"/> + n.</param>
    /// <param name="FirstApicId">The APIC id of bit 0.</param>
    /// <param name="Interrupt">What each of them gets; its destination does not count.</param>
    public sealed record SendIpi(UInt128 Targets, uint FirstApicId, InterruptMessage Interrupt) : HypercallEffect;

    /// <summary>Writes wall clock and TSC of one moment to guest memory. Answers 0, or
    /// <see cref="HypercallError.BadAddress"/> if that is not wholly in RAM.</summary>
    /// <param name="Address">Of the 64-byte structure.</param>
    public sealed record PairClocks(Gpa Address) : HypercallEffect;
}
