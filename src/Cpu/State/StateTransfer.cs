// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Collections.Immutable;
using KvmActors.Cpu.Apic;
using KvmActors.Cpu.Execute;
using KvmActors.Cpu.Execute.Events;
using KvmActors.Cpu.Execute.Fpu;

namespace KvmActors.Cpu.State;

// JUSTIFICATION: reads and writes the unmanaged state; see CpuState.
// SAFETY: lengths are validated before anything is copied, and every count below is a constant of CpuState.

/// <summary>Between <see cref="VcpuState"/>, which is data, and <see cref="CpuState"/>, which runs.</summary>
internal static unsafe class StateTransfer
{
    private const uint ReservedOfMxcsr = 0xFFFF_0000;

    private const ulong ResetCr0 = 0x6000_0010;
    private const ulong ResetDr6 = 0xFFFF_0FF0;
    private const ulong ResetDr7 = 0x400;
    private const ulong ResetRip = 0xFFF0;
    private const ulong ResetRdx = 0x600;
    private const uint ResetMxcsr = 0x1F80;
    private const ushort ResetFcw = 0x37F;
    private const int TaskPriorityShift = 4;
    private const int MxcsrMaskOffset = 28;
    private const int MxcsrOffset = 24;
    private const uint MxcsrMask = 0xFFFF;

    /// <summary>KVM's reset state: the bootstrap processor at the reset vector, the others waiting for a
    /// SIPI.</summary>
    /// <remarks>Source: Intel SDM vol. 3A, table 10-1; Linux v6.19 arch/x86/kvm/x86.c:kvm_vcpu_reset.</remarks>
    public static VcpuState Reset(int index)
    {
        SegmentState data = new(Selector: 0, Base: 0, Limit: 0xFFFF, Attributes: 0x93);
        SegmentState code = new(Selector: 0xF000, Base: 0xFFFF_0000, Limit: 0xFFFF, Attributes: 0x9B);
        SegmentState localTable = data with { Attributes = 0x82 };
        SegmentState task = data with { Attributes = 0x8B };
        ulong[] gprs = new ulong[CpuState.GprCount];
        gprs[(int)Gpr.Rdx] = ResetRdx;
        byte[] fxSave = new byte[CpuState.FxSaveBytes];
        BitConverter.TryWriteBytes(fxSave, ResetFcw);
        BitConverter.TryWriteBytes(fxSave.AsSpan(MxcsrOffset), ResetMxcsr);
        BitConverter.TryWriteBytes(fxSave.AsSpan(MxcsrMaskOffset), MxcsrMask);
        return new VcpuState(
            index,
            [.. gprs],
            ResetRip,
            RFlags.AlwaysOne,
            [data, code, data, data, data, data, localTable, task],
            new DescriptorTableState(0, 0xFFFF),
            new DescriptorTableState(0, 0xFFFF),
            ResetCr0,
            Cr2: 0,
            Cr3: 0,
            Cr4: 0,
            Cr8: 0,
            Efer: 0,
            Xcr0: 1,
            ResetMsrs(index),
            [0, 0, 0, 0, ResetDr6, ResetDr7],
            [.. fxSave],
            index == 0 ? VcpuActivity.Running : VcpuActivity.WaitForSipi,
            InterruptShadow.None,
            InstructionsRetired: 0,
            Cpuid.CpuidTable.Empty,
            [],
            LocalApicState.Reset(index),
            VcpuEvents.None,
            HeldBreakpoints: 0,
            RandomsDrawn: 0);
    }

    public static VcpuState Save(VcpuEngine engine)
    {
        CpuState* state = engine.State;
        var segments = new SegmentState[CpuState.SegmentCount];
        for (int index = 0; index < segments.Length; index++)
        {
            segments[index] = CpuState.Segment(state, (SegmentName)index)->ToState();
        }

        var msrs = new MsrValue[MsrSlots.Count];
        for (int slot = 0; slot < msrs.Length; slot++)
        {
            msrs[slot] = new MsrValue(MsrSlots.Indices[slot], *CpuState.Msr(state, slot));
        }

        return new VcpuState(
            engine.Index,
            [.. new ReadOnlySpan<ulong>(state, CpuState.GprCount)],
            state->Rip,
            LazyFlags.Read(state),
            [.. segments],
            new DescriptorTableState(state->GdtrBase, state->GdtrLimit),
            new DescriptorTableState(state->IdtrBase, state->IdtrLimit),
            state->Cr0,
            state->Cr2,
            state->Cr3,
            state->Cr4,
            engine.Events.Apic.TaskPriority >> TaskPriorityShift,
            state->Efer,
            state->Xcr0,
            [.. msrs],
            [.. new ReadOnlySpan<ulong>(CpuState.DebugRegister(state, 0), CpuState.DebugRegisterCount)],
            [.. new ReadOnlySpan<byte>(CpuState.FxSave(state), CpuState.FxSaveBytes)],
            state->Activity,
            (InterruptShadow)state->InterruptShadow,
            state->RetiredBefore,
            engine.Cpuid,
            [.. engine.CpuidRead.Observations],
            engine.Events.Apic.Save(),
            engine.Events.Save(),
            (byte)(state->InterruptShadow == ModeControl.ShadowOfMovSs ? state->DebugMatches : 0),
            state->RandomsDrawn);
    }

    /// <exception cref="ArgumentException">A list has the wrong length, or an MSR is not one this engine keeps.
    /// Nothing is changed then.</exception>
    public static void Restore(VcpuEngine engine, VcpuState saved)
    {
        Validate(saved);
        CpuState* state = engine.State;
        saved.Gprs.AsSpan().CopyTo(new Span<ulong>(state, CpuState.GprCount));
        saved.DebugRegisters.AsSpan().CopyTo(
            new Span<ulong>(CpuState.DebugRegister(state, 0), CpuState.DebugRegisterCount));
        saved.FxSave.AsSpan().CopyTo(new Span<byte>(CpuState.FxSave(state), CpuState.FxSaveBytes));
        for (int index = 0; index < CpuState.SegmentCount; index++)
        {
            *CpuState.Segment(state, (SegmentName)index) = SegmentCache.From(saved.Segments[index]);
        }

        for (int slot = 0; slot < MsrSlots.Count; slot++)
        {
            *CpuState.Msr(state, slot) = MsrSlots.ResetValue(slot, engine.Index);
        }

        foreach (MsrValue msr in saved.Msrs)
        {
            *CpuState.Msr(state, MsrSlots.Find(msr.Index)) = msr.Value;
        }

        RestoreControl(state, saved);
        engine.Events.Apic.Restore(saved.Apic, ApicBase.ModeOf(*CpuState.Msr(state, MsrSlots.ApicBase)));
        engine.Events.Restore(saved.Events);
        engine.CpuidRead.Replace(saved.Observed);
        ModeControl.Refresh(state);
        engine.ReplaceCpuid(saved.Cpuid);
    }

    private static void RestoreControl(CpuState* state, VcpuState saved)
    {
        state->Rip = saved.Rip;
        state->SystemFlags = (saved.RFlags & RFlags.Defined & ~RFlags.Status) | RFlags.AlwaysOne;
        LazyFlags.WriteStatus(state, saved.RFlags);
        state->GdtrBase = saved.Gdtr.Base;
        state->GdtrLimit = saved.Gdtr.Limit;
        state->IdtrBase = saved.Idtr.Base;
        state->IdtrLimit = saved.Idtr.Limit;
        state->Cr0 = saved.Cr0;
        state->Cr2 = saved.Cr2;
        state->Cr3 = saved.Cr3;
        state->Cr4 = saved.Cr4;
        state->Efer = saved.Efer;
        state->Xcr0 = saved.Xcr0;
        state->Activity = saved.Activity;
        state->InterruptShadow = (int)saved.InterruptShadow;
        state->RetiredBefore = saved.InstructionsRetired;
        state->Port = default;
        state->DeadlineChanged = 0;
        state->DebugMatches = saved.HeldBreakpoints & Breakpoints.AllMatches;
        state->RandomsDrawn = saved.RandomsDrawn;
        state->MayReachDevices = 0;
        state->Exit = ExitReason.None;
        state->Cpl = ModeControl.PrivilegeOf(state);
    }

    private static void Validate(VcpuState saved)
    {
        Expect("general-purpose registers", CpuState.GprCount, saved.Gprs.Length);
        Expect("segment registers", CpuState.SegmentCount, saved.Segments.Length);
        Expect("debug registers", CpuState.DebugRegisterCount, saved.DebugRegisters.Length);
        Expect("bytes of local APIC registers", LocalApicState.RegisterBytes, saved.Apic.Registers.Length);
        Expect("bytes of FXSAVE image", CpuState.FxSaveBytes, saved.FxSave.Length);
        uint mxcsr = BinaryPrimitives.ReadUInt32LittleEndian(saved.FxSave.AsSpan()[FxSaveLayout.MxcsrOffset..]);
        if ((mxcsr & ReservedOfMxcsr) != 0)
        {
            throw new ArgumentException(
                $"Expected an MXCSR of 16 bits in the saved vCPU, found 0x{mxcsr:x}: no processor has it.",
                nameof(saved));
        }

        foreach (MsrValue msr in saved.Msrs)
        {
            if (MsrSlots.Find(msr.Index) < 0)
            {
                throw new ArgumentException($"The saved MSR 0x{msr.Index:x} is not one this engine keeps.",
                nameof(saved));
            }
        }
    }

    private static void Expect(string what, int expected, int found)
    {
        if (expected != found)
        {
            throw new ArgumentException($"Expected {expected} {what} in the saved vCPU, found {found}.");
        }
    }

    private static ImmutableArray<MsrValue> ResetMsrs(int index)
    {
        var msrs = new MsrValue[MsrSlots.Count];
        for (int slot = 0; slot < msrs.Length; slot++)
        {
            msrs[slot] = new MsrValue(MsrSlots.Indices[slot], MsrSlots.ResetValue(slot, index));
        }

        return [.. msrs];
    }
}
