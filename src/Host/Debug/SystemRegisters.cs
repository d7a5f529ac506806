// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.State;

namespace KvmActors.Host.Debug;

/// <summary>What gdb has no names for: segment bases, descriptor tables, control and debug registers, EFER.</summary>
internal static class SystemRegisters
{
    private const uint KernelGsBase = 0xC000_0102;

    private static readonly string[] s_debugRegisters = ["dr0", "dr1", "dr2", "dr3", "dr6", "dr7"];

    /// <summary>All but the bases of FS and GS, for which gdb has a feature where code is of 64 bits.</summary>
    public static IEnumerable<GuestRegister> All() =>
    [
        Base("es_base", SegmentName.Es),
        Base("cs_base", SegmentName.Cs),
        Base("ss_base", SegmentName.Ss),
        Base("ds_base", SegmentName.Ds),
        Number("k_gs_base", state => state.Msrs.FirstOrDefault(msr => msr.Index == KernelGsBase).Value),
        Number("gdt_base", state => state.Gdtr.Base),
        Number("gdt_limit", state => state.Gdtr.Limit),
        Number("idt_base", state => state.Idtr.Base),
        Number("idt_limit", state => state.Idtr.Limit),
        Number("ldtr", state => Segment(state, SegmentName.Ldtr).Selector),
        Number("ldt_base", state => Segment(state, SegmentName.Ldtr).Base),
        Number("tr", state => Segment(state, SegmentName.Tr).Selector),
        Number("tss_base", state => Segment(state, SegmentName.Tr).Base),
        GuestRegister.Number("cr0", 64, "cr0_flags", state => state.Cr0, "system"),
        Number("cr2", state => state.Cr2),
        Number("cr3", state => state.Cr3),
        GuestRegister.Number("cr4", 64, "cr4_flags", state => state.Cr4, "system"),
        Number("cr8", state => state.Cr8),
        GuestRegister.Number("efer", 64, "efer_flags", state => state.Efer, "system"),
        Number("xcr0", state => state.Xcr0),
        .. s_debugRegisters.Select((name, at) => Number(name, state => state.DebugRegisters[at])),
    ];

    public static GuestRegister Base(string name, SegmentName segment) =>
        Number(name, state => Segment(state, segment).Base);

    public static SegmentState Segment(VcpuState state, SegmentName segment) => state.Segments[(int)segment];

    private static GuestRegister Number(string name, Func<VcpuState, ulong> value) =>
        GuestRegister.Number(name, 64, "uint64", value, "system");
}
