// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Diagnostics;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Hypercalls;

/// <summary>The hypervisor above the engine: answers hypercalls, turns the other maker's instruction into the native
/// one, and gives every other invalid opcode back to the guest.</summary>
/// <remarks>
/// <para>Where it does other than KVM, on purpose: the site is at CS.base + RIP, not at RIP; the opcode is patched
/// behind its prefixes, not at the first of them; if the bytes are native by now, they are just executed again, so that
/// two vCPUs on one site both get their answer; and either instruction gives the same result in every mode and at every
/// CPL.</para>
/// <para>Source: Linux v6.19 arch/x86/kvm/x86.c:emulator_fix_hypercall, kvm_emulate_hypercall, handle_ud;
/// arch/x86/kvm/emulate.c:em_hypercall.</para>
/// </remarks>
public static class HypercallLayer
{
    /// <summary>#UD. Source: Intel SDM vol. 3A, section 6.15.</summary>
    private const byte InvalidOpcodeVector = 6;

    /// <summary>Serves one <see cref="VmExit.Hypercall"/> or <see cref="VmExit.InvalidOpcode"/>.</summary>
    /// <param name="vcpu">The vCPU that exited, with RIP at the instruction.</param>
    /// <param name="exit">One of those two exits.</param>
    /// <param name="policy">What to do about the other maker's instruction.</param>
    /// <param name="vmTime">VM time of the instruction, in ticks.</param>
    /// <param name="host">Carries out what the call asks for beyond the vCPU; null for a vCPU that is alone.</param>
    /// <exception cref="ArgumentException">Another kind of exit.</exception>
    public static HypercallOutcome Serve(
        Vcpu vcpu, VmExit exit, HypercallPatchPolicy policy, ulong vmTime, IHypercallHost? host = null)
    {
        ArgumentNullException.ThrowIfNull(vcpu);
        bool native = exit switch
        {
            VmExit.Hypercall => true,
            VmExit.InvalidOpcode => false,
            _ => throw new ArgumentException($"Expected Hypercall or InvalidOpcode, found {exit}.", nameof(exit)),
        };

        if (ReadSite(vcpu, out HypercallInstruction? site) is { } fetchFault)
        {
            return Inject(vcpu, fetchFault);
        }

        if (site is not { } instruction)
        {
            return Inject(vcpu, InvalidOpcode());
        }

        if (instruction.NativeTo == vcpu.HostVendor)
        {
            return native
                ? Answer(vcpu, instruction, inPlace: false, vmTime, host)
                : new HypercallOutcome.Reexecuted();
        }

        return native ? new HypercallOutcome.Reexecuted() : ServeForeign(vcpu, instruction, policy, vmTime, host);
    }

    private static HypercallOutcome ServeForeign(
        Vcpu vcpu, HypercallInstruction site, HypercallPatchPolicy policy, ulong vmTime, IHypercallHost? host)
    {
        switch (policy)
        {
            case HypercallPatchPolicy.Inject:
                return Inject(vcpu, InvalidOpcode());
            case HypercallPatchPolicy.Emulate:
                return Answer(vcpu, site, inPlace: true, vmTime, host);
            case HypercallPatchPolicy.Auto:
            case HypercallPatchPolicy.Patch:
                break;
            default:
                throw new UnreachableException($"Expected a known patch policy, found {policy}.");
        }

        GuestAccess write = Patch(vcpu, site, vmTime, out HypercallPatch patch);
        if (write.Fault is not { } refused)
        {
            return new HypercallOutcome.Patched(patch);
        }

        return policy == HypercallPatchPolicy.Auto
            ? Answer(vcpu, site, inPlace: true, vmTime, host)
            : Inject(vcpu, refused);
    }

    /// <summary>Writes the native opcode over the other maker's, as a store of the guest at its present CPL: all three
    /// bytes or, with a fault, none. Only the last differs, so no half-written instruction is ever seen.</summary>
    private static GuestAccess Patch(Vcpu vcpu, HypercallInstruction site, ulong vmTime, out HypercallPatch patch)
    {
        Gva opcode = CodeAt(vcpu, site.OpcodeOffset);
        ImmutableArray<byte> native = HypercallInstruction.OpcodeFor(vcpu.HostVendor);
        GuestAccess write = vcpu.WriteAsGuest(opcode, native.AsSpan());
        patch = new HypercallPatch(vcpu.Index, vmTime, opcode, write.Gpa, site.Opcode, native, vcpu.HostVendor);
        return write;
    }

    private static HypercallOutcome.Answered Answer(
        Vcpu vcpu, HypercallInstruction site, bool inPlace, ulong vmTime, IHypercallHost? host)
    {
        HypercallRequest request = new(
            vcpu.ReadGpr(Gpr.Rax),
            vcpu.ReadGpr(Gpr.Rbx),
            vcpu.ReadGpr(Gpr.Rcx),
            vcpu.ReadGpr(Gpr.Rdx),
            vcpu.ReadGpr(Gpr.Rsi),
            vcpu.Cpl,
            Is64Bit: vcpu.Mode == CpuMode.Long64,
            vcpu.Paravirtual);
        HypercallDecision decision = HypercallDispatch.Decide(request);
        long answer = decision.Effect is { } effect && host is not null
            ? host.CarryOut(vcpu, effect, vmTime)
            : decision.Result;
        ulong result = HypercallDispatch.Encode(request, answer);
        vcpu.WriteGpr(Gpr.Rax, result);
        vcpu.SkipInstruction(site.Length);
        return new HypercallOutcome.Answered(HypercallDispatch.NumberOf(request), result, inPlace);
    }

    private static HypercallOutcome.Injected Inject(Vcpu vcpu, GuestFault fault)
    {
        vcpu.InjectException(fault.Vector, fault.ErrorCode, fault.Cr2);
        return new HypercallOutcome.Injected(fault);
    }

    private static GuestFault InvalidOpcode() => new(InvalidOpcodeVector, ErrorCode: null, Cr2: null);

    /// <summary>Reads the instruction at CS.base + RIP, and of a second page only if it reaches into it.</summary>
    /// <returns>The fault of the guest's own fetch, if there is one.</returns>
    private static GuestFault? ReadSite(Vcpu vcpu, out HypercallInstruction? site)
    {
        Span<byte> code = stackalloc byte[HypercallInstruction.LengthMax];
        site = null;
        int read = 0;
        while (read < code.Length)
        {
            Gva start = CodeAt(vcpu, read);
            int inPage = GuestMemory.PageBytes - (int)(start.Value & (GuestMemory.PageBytes - 1));
            int wanted = Math.Min(inPage, code.Length - read);
            if (vcpu.ReadCode(start, code.Slice(read, wanted)).Fault is { } fault)
            {
                return fault;
            }

            read += wanted;
            if (HypercallInstruction.TryDecide(code[..read], vcpu.Mode == CpuMode.Long64, out site))
            {
                return null;
            }
        }

        return null;
    }

    /// <summary>The linear address of a byte of the instruction; wraps at 4 GiB outside 64-bit mode.</summary>
    private static Gva CodeAt(Vcpu vcpu, int offset)
    {
        ulong linear = unchecked(vcpu.LinearRip.Value + (ulong)offset);
        return new Gva(vcpu.Mode == CpuMode.Long64 ? linear : (uint)linear);
    }
}
