// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.Execute.Protection;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operations;

// JUSTIFICATION: see CpuState.
// SAFETY: memory is reached through GeneralOperand and PrivilegedMemory.

/// <summary>LAR, LSL, VERR, VERW, ARPL: questions about selectors, answered in ZF.</summary>
/// <remarks>Source: Intel SDM vol. 2, "LAR", "LSL", "VERR/VERW", "ARPL".</remarks>
internal static unsafe class SelectorOperations
{
    private const int SelectorBytes = 2;

    // With bits 19:16 of the limit, which Intel's manual leaves undefined and AMD's shows (APM vol. 3, "LAR"). CPUs of
    // both give them.
    private const uint AccessRightsMask = 0x00FF_FF00;

    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Lar, &LoadAccessRights);
        table.Add(Mnemonic.Lsl, &LoadLimit);
        table.Add(Mnemonic.Verr, &VerifyRead);
        table.Add(Mnemonic.Verw, &VerifyWrite);
        table.Add(Mnemonic.Arpl, &AdjustPrivilege);
    }

    private static Outcome LoadAccessRights(CpuState* state, Uop* uop) => Load(state, uop, isLimit: false);

    private static Outcome LoadLimit(CpuState* state, Uop* uop) => Load(state, uop, isLimit: true);

    private static Outcome Load(CpuState* state, Uop* uop, bool isLimit)
    {
        if (!ModeControl.IsProtected(state))
        {
            return Faults.Undefined(state);
        }

        if (!GeneralOperand.TryReadSource(state, uop, SelectorBytes, out ulong value))
        {
            return Outcome.NotRetired;
        }

        ushort selector = (ushort)value;
        Lookup lookup = Find(state, selector, out Descriptor descriptor);
        if (lookup == Lookup.Faulted)
        {
            return Faults.Raised(state);
        }

        bool isVisible = lookup == Lookup.Found
            && HasAnswer(state, descriptor, isLimit)
            && IsVisible(state, selector, descriptor);
        if (isVisible)
        {
            uint answer = isLimit ? descriptor.Limit : (uint)(descriptor.Low >> 32) & AccessRightsMask;
            RegisterFile.Write(state, uop->Destination, GeneralOperand.Bytes(uop), answer);
        }

        SetZero(state, isVisible);
        return Outcome.Next;
    }

    private static bool HasAnswer(CpuState* state, in Descriptor descriptor, bool isLimit)
    {
        if (!descriptor.IsSystem)
        {
            return true;
        }

        bool isLong = ModeControl.IsLongActive(state);
        return descriptor.Type switch
        {
            SystemSegmentType.LocalTable or SystemSegmentType.AvailableTss32 or SystemSegmentType.BusyTss32 => true,
            SystemSegmentType.AvailableTss16 or SystemSegmentType.BusyTss16 => !isLong,
            SystemSegmentType.CallGate32 => !isLimit,
            SystemSegmentType.CallGate16 or SystemSegmentType.TaskGate => !isLimit && !isLong,
            _ => false,
        };
    }

    private static Outcome VerifyRead(CpuState* state, Uop* uop) => Verify(state, uop, isWrite: false);

    private static Outcome VerifyWrite(CpuState* state, Uop* uop) => Verify(state, uop, isWrite: true);

    private static Outcome Verify(CpuState* state, Uop* uop, bool isWrite)
    {
        if (!ModeControl.IsProtected(state))
        {
            return Faults.Undefined(state);
        }

        if (!GeneralOperand.TryReadDestination(state, uop, SelectorBytes, out ulong value))
        {
            return Outcome.NotRetired;
        }

        ushort selector = (ushort)value;
        Lookup lookup = Find(state, selector, out Descriptor descriptor);
        if (lookup == Lookup.Faulted)
        {
            return Faults.Raised(state);
        }

        bool isPermitted = lookup == Lookup.Found
            && (isWrite ? descriptor.IsWritableData : descriptor.IsReadable)
            && IsVisible(state, selector, descriptor);
        SetZero(state, isPermitted);
        return Outcome.Next;
    }

    private static Outcome AdjustPrivilege(CpuState* state, Uop* uop)
    {
        if (!ModeControl.IsProtected(state))
        {
            return Faults.Undefined(state);
        }

        // A plain read, as silicon does it: its page fault does not say "write", and what needs no change may be in a
        // page that cannot be written.
        if (!GeneralOperand.TryReadDestination(state, uop, out ulong destination))
        {
            return Outcome.NotRetired;
        }

        ulong wanted = RegisterFile.Read(state, uop->Source, SelectorBytes) & DescriptorTables.RplMask;
        bool isRaised = (destination & DescriptorTables.RplMask) < wanted;
        if (isRaised)
        {
            ulong raised = (destination & ~(ulong)DescriptorTables.RplMask) | wanted;
            if (!GeneralOperand.TryWriteDestination(state, uop, raised))
            {
                return Outcome.NotRetired;
            }
        }

        SetZero(state, isRaised);
        return Outcome.Next;
    }

    private enum Lookup
    {
        Found,
        OutsideTable,
        Faulted,
    }

    private static Lookup Find(CpuState* state, ushort selector, out Descriptor descriptor)
    {
        descriptor = default;
        if (DescriptorTables.IsNull(selector))
        {
            return Lookup.OutsideTable;
        }

        if (DescriptorTables.TryRead(state, selector, Faults.GeneralProtection, external: 0, out descriptor))
        {
            return Lookup.Found;
        }

        return state->Fault.Vector == Faults.PageFault ? Lookup.Faulted : Lookup.OutsideTable;
    }

    private static bool IsVisible(CpuState* state, ushort selector, in Descriptor descriptor) =>
        descriptor.IsConforming
        || (descriptor.Dpl >= state->Cpl && descriptor.Dpl >= (selector & DescriptorTables.RplMask));

    private static void SetZero(CpuState* state, bool isZero)
    {
        ulong flags = LazyFlags.ReadStatus(state) & ~RFlags.Zero;
        LazyFlags.WriteStatus(state, flags | (isZero ? RFlags.Zero : 0));
    }
}
