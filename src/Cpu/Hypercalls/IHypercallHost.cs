// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Hypercalls;

/// <summary>Carries out what hypercalls ask for beyond their own vCPU. Called on the thread that runs the VM.</summary>
/// <remarks>What it does is a function of the VM's state, so that a run can be repeated.</remarks>
public interface IHypercallHost
{
    /// <param name="caller">The vCPU that executes the hypercall; its registers still hold the request.</param>
    /// <param name="effect">What is asked for.</param>
    /// <param name="vmTime">VM time of the instruction, in ticks.</param>
    /// <returns>The answer: 0 or more, or the negated value of a <see cref="HypercallError"/>.</returns>
    long CarryOut(Vcpu caller, HypercallEffect effect, ulong vmTime);
}
