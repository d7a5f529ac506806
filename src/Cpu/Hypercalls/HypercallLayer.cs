// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Hypercalls;

/// <summary>The hypervisor's side of an exit by a hypercall instruction or by #UD.</summary>
public static class HypercallLayer
{
    /// <summary>Answers a hypercall, patches its instruction, or gives the guest its #UD.</summary>
    /// <param name="exit"><see cref="VmExit.Hypercall"/> or <see cref="VmExit.InvalidOpcode"/>, of this vCPU's last run.
    /// </param>
    /// <param name="vmTime">VM time of the instruction, in ticks.</param>
    public static HypercallOutcome Serve(Vcpu vcpu, VmExit exit, HypercallPatchPolicy policy, ulong vmTime)
    {
        const byte InvalidOpcodeVector = 6;
        vcpu.InjectException(InvalidOpcodeVector, errorCode: null, cr2: null);
        return new HypercallOutcome.Injected();
    }
}
