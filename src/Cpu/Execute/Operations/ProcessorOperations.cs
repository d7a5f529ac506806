// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operations;

// JUSTIFICATION: see CpuState.
// SAFETY: touches only the state.

/// <summary>CPUID, time stamps, HLT, hypercalls, and what does nothing here.</summary>
/// <remarks>Source: Intel SDM vol. 2, "CPUID", "RDTSC", "RDTSCP", "RDPID", "RDPMC", "HLT"; vol. 3C, "VMCALL"; AMD APM
/// vol. 3, "VMMCALL".</remarks>
internal static unsafe class ProcessorOperations
{
    /// <summary>MISC_FEATURES_ENABLES[0]: CPUID outside of ring 0 is #GP(0). Source: Intel SDM vol. 4, MSR 140H; Intel
    /// 323850 "Virtualization Technology FlexMigration", section 2.3 "CPUID faulting".</summary>
    public const ulong CpuidFaulting = 1;

    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Cpuid, &ReadCpuid);
        table.Add(Mnemonic.Rdtsc, &ReadTimeStamp);
        table.Add(Mnemonic.Rdtscp, &ReadTimeStampAndId, GuestFeature.Rdtscp);
        table.Add(Mnemonic.Rdpid, &ReadProcessorId, GuestFeature.Rdpid);
        table.Add(Mnemonic.Rdpmc, &ReadPerformanceCounter);
        table.AddLast(Mnemonic.Hlt, &Halt);
        table.AddLast(Mnemonic.Vmcall, &CallIntelHypervisor);
        table.AddLast(Mnemonic.Vmmcall, &CallAmdHypervisor);

        // VMMCALL behind F2 or F3: on a processor without SEV-ES a VMMCALL, here #UD, as VMCALL with these prefixes is.
        table.AddLast(Mnemonic.Vmgexit, &UndefinedOperations.Undefined);
        table.AddLast(Mnemonic.Ud0, &UndefinedOperations.Undefined);
        table.AddLast(Mnemonic.Ud1, &UndefinedOperations.Undefined);
        table.AddLast(Mnemonic.Ud2, &UndefinedOperations.Undefined);
        RegisterHints(table);
    }

    private static void RegisterHints(InstructionTable table)
    {
        ReadOnlySpan<Mnemonic> hints =
        [
            Mnemonic.Nop, Mnemonic.Reservednop, Mnemonic.Pause, Mnemonic.Endbr32, Mnemonic.Endbr64,
            Mnemonic.Prefetch, Mnemonic.Prefetchw, Mnemonic.Prefetchwt1, Mnemonic.Prefetchnta, Mnemonic.Prefetcht0,
            Mnemonic.Prefetcht1, Mnemonic.Prefetcht2, Mnemonic.Prefetchit0, Mnemonic.Prefetchit1,
            Mnemonic.Rdsspd, Mnemonic.Rdsspq, Mnemonic.Cldemote,
        ];
        foreach (Mnemonic hint in hints)
        {
            table.Add(hint, &DoNothing);
        }
    }

    private static Outcome DoNothing(CpuState* state, Uop* uop) => Outcome.Next;

    private static Outcome ReadCpuid(CpuState* state, Uop* uop)
    {
        if (state->Cpl != 0 && (*CpuState.Msr(state, MsrSlots.MiscFeaturesEnables) & CpuidFaulting) != 0)
        {
            return Faults.GeneralProtectionFault(state);
        }

        var engine = VcpuEngine.Of(state);
        uint leaf = (uint)state->Rax;
        uint subleaf = (uint)state->Rcx;
        CpuidRuntime runtime = new(
            state->Cr4,
            state->Xcr0,
            Xss: 0,
            *CpuState.Msr(state, MsrSlots.ApicBase),
            *CpuState.Msr(state, MsrSlots.MiscEnable));
        CpuidRegisters registers = engine.ReadCpuid(leaf, subleaf, runtime);
        engine.CpuidRead.Add(engine.Cpuid, leaf, subleaf, VmTime.Now(state, uop));
        state->Rax = registers.Eax;
        state->Rbx = registers.Ebx;
        state->Rcx = registers.Ecx;
        state->Rdx = registers.Edx;
        return Outcome.Next;
    }

    private static Outcome ReadTimeStamp(CpuState* state, Uop* uop)
    {
        if (IsTimeStampDenied(state))
        {
            return Faults.GeneralProtectionFault(state);
        }

        ulong stamp = VmTime.TimeStamp(state, uop);
        state->Rax = (uint)stamp;
        state->Rdx = stamp >> 32;
        return Outcome.Next;
    }

    private static Outcome ReadTimeStampAndId(CpuState* state, Uop* uop)
    {
        Outcome outcome = ReadTimeStamp(state, uop);
        if (outcome == Outcome.Next)
        {
            state->Rcx = (uint)*CpuState.Msr(state, MsrSlots.TscAux);
        }

        return outcome;
    }

    private static bool IsTimeStampDenied(CpuState* state) =>
        state->Cpl != 0 && (state->Cr4 & ControlBits.Cr4TimeStampDisable) != 0;

    private static Outcome ReadProcessorId(CpuState* state, Uop* uop)
    {
        *(ulong*)((byte*)state + uop->Destination) = (uint)*CpuState.Msr(state, MsrSlots.TscAux);
        return Outcome.Next;
    }

    /// <summary>There are no performance counters, so that every number of one is wrong.</summary>
    private static Outcome ReadPerformanceCounter(CpuState* state, Uop* uop) => Faults.GeneralProtectionFault(state);

    private static Outcome Halt(CpuState* state, Uop* uop)
    {
        if (state->Cpl != 0)
        {
            return Faults.GeneralProtectionFault(state);
        }

        state->Activity = VcpuActivity.Halted;
        state->Exit = ExitReason.Halted;
        state->Rip = Leaving.NextRip(state, uop);
        return Outcome.Jumped;
    }

    private static Outcome CallIntelHypervisor(CpuState* state, Uop* uop) => Call(state, HostVendor.Intel);

    private static Outcome CallAmdHypervisor(CpuState* state, Uop* uop) => Call(state, HostVendor.Amd);

    /// <summary>The host's own instruction is a VM exit at any CPL; the other maker's does not exist.</summary>
    private static Outcome Call(CpuState* state, HostVendor maker)
    {
        state->Exit = VcpuEngine.Of(state).HostVendor == maker ? ExitReason.Hypercall : ExitReason.InvalidOpcode;
        return Outcome.NotRetired;
    }
}
