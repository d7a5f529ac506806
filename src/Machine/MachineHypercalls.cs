// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Diagnostics;
using KvmActors.Cpu;
using KvmActors.Cpu.Hypercalls;

namespace KvmActors.Machine;

/// <summary>Serves the hypercalls of a VM: keeps what was patched, and carries out what they ask of other vCPUs and of
/// memory.</summary>
internal sealed class MachineHypercalls(MachineSpec spec, VcpuSet vcpus, MachineClocks clocks) : IHypercallHost
{
    private readonly ImmutableArray<HypercallPatch>.Builder _patches = ImmutableArray.CreateBuilder<HypercallPatch>();

    public PatchSiteTable Sites { get; } = new();

    /// <summary>Patches since they were last taken.</summary>
    public int PatchCount => _patches.Count;

    public ImmutableArray<HypercallPatch> TakePatches() => _patches.DrainToImmutable();

    /// <summary>Serves a <see cref="VmExit.Hypercall"/> or <see cref="VmExit.InvalidOpcode"/>.</summary>
    public void Serve(Vcpu vcpu, VmExit exit, ulong vmTime)
    {
        // A full table can record no further site, so no byte may be written: the call is answered in place instead.
        bool writes = spec.PatchPolicy is HypercallPatchPolicy.Auto or HypercallPatchPolicy.Patch;
        HypercallPatchPolicy policy = writes && Sites.IsFull ? HypercallPatchPolicy.Emulate : spec.PatchPolicy;
        if (HypercallLayer.Serve(vcpu, exit, policy, vmTime, this) is HypercallOutcome.Patched patched)
        {
            Sites.Record(patched.Patch);
            _patches.Add(patched.Patch);
        }
    }

    public long CarryOut(Vcpu caller, HypercallEffect effect, ulong vmTime)
    {
        switch (effect)
        {
            case HypercallEffect.Kick kick:
                vcpus.Kick(kick.ApicId);
                vcpus.YieldTo(kick.ApicId);
                return 0;
            case HypercallEffect.Yield yield:
                vcpus.YieldTo(yield.ApicId);
                return 0;
            case HypercallEffect.SendIpi ipi:
                return vcpus.Send(ipi.Targets, ipi.FirstApicId, ipi.Interrupt);
            case HypercallEffect.PairClocks pair:
                return clocks.TryWritePair(caller, pair.Address, vmTime) ? 0 : -(long)HypercallError.BadAddress;
            default:
                throw new UnreachableException(
                    $"Expected a known effect of a hypercall, found {effect.GetType().Name}.");
        }
    }
}
