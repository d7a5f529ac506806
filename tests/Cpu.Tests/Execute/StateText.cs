// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Tests.Execute;

/// <summary>A saved vCPU as text, so that two can be compared and a difference can be read.</summary>
internal static class StateText
{
    public static string Of(VcpuState state) => string.Join('\n',
        $"rip={state.Rip:x} rflags={state.RFlags:x} retired={state.InstructionsRetired} activity={state.Activity}",
        $"shadow={state.InterruptShadow} held={state.HeldBreakpoints} drawn={state.RandomsDrawn} index={state.Index}",
        "gprs=" + string.Join(' ', state.Gprs.Select(value => value.ToString("x"))),
        "segments=" + string.Join(' ', state.Segments),
        $"gdtr={state.Gdtr} idtr={state.Idtr}",
        $"cr0={state.Cr0:x} cr2={state.Cr2:x} cr3={state.Cr3:x} cr4={state.Cr4:x} cr8={state.Cr8:x}",
        $"efer={state.Efer:x} xcr0={state.Xcr0:x}",
        "msrs=" + string.Join(' ', state.Msrs),
        "debug=" + string.Join(' ', state.DebugRegisters.Select(value => value.ToString("x"))),
        "fxsave=" + Convert.ToHexString([.. state.FxSave]),
        "observed=" + string.Join(' ', state.Observed),
        $"cpuid={state.Cpuid.Entries.Length} entries");
}
