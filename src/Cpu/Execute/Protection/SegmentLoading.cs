// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Protection;

// JUSTIFICATION: see CpuState.
// SAFETY: guest memory is reached through PrivilegedMemory only.

/// <summary>Loads segment registers, with the checks of the present mode.</summary>
/// <remarks>Source: Intel SDM vol. 2B, "MOV—Move", Loading a segment register; vol. 3A, section 6.5 to 6.8. Every Try
/// method records the fault it returns false for, and changes nothing then.</remarks>
internal static unsafe class SegmentLoading
{
    private const int SegmentShift = 4;
    private const uint RealAttributes = 0x93;

    /// <summary>Loads ES, DS, FS, GS or SS by MOV, POP or a far pointer load.</summary>
    public static bool TryLoad(CpuState* state, SegmentName name, ushort selector)
    {
        SegmentCache* segment = CpuState.Segment(state, name);
        if (!ModeControl.IsProtected(state))
        {
            LoadReal(state, segment, selector);
            return true;
        }

        return name == SegmentName.Ss
            ? TryLoadStack(state, selector, state->Cpl, Faults.GeneralProtection, external: 0)
            : TryLoadData(state, segment, selector);
    }

    /// <summary>Loads SS for a privilege that the caller is about to have (or has).</summary>
    /// <param name="vector">The fault for a wrong selector: #GP, or #TS in a task or stack switch.</param>
    public static bool TryLoadStack(CpuState* state, ushort selector, int privilege, byte vector, uint external)
    {
        if (DescriptorTables.IsNull(selector))
        {
            return TryLoadNullStack(state, selector, privilege, vector, external);
        }

        if (!DescriptorTables.TryRead(state, selector, vector, external, out Descriptor descriptor))
        {
            return false;
        }

        uint error = (selector & (uint)DescriptorTables.ErrorMask) | external;
        bool isRightPrivilege = (selector & DescriptorTables.RplMask) == privilege && descriptor.Dpl == privilege;
        if (!isRightPrivilege || !descriptor.IsWritableData)
        {
            return Fault(state, vector, error);
        }

        if (!descriptor.IsPresent)
        {
            return Fault(state, Faults.StackFault, error);
        }

        return TryCommit(state, CpuState.Segment(state, SegmentName.Ss), selector, descriptor);
    }

    /// <summary>The null SS of 64-bit mode, which remembers its privilege.</summary>
    public static SegmentCache NullStack(int privilege) => new()
    {
        Selector = (ushort)privilege,
        Attributes = SegmentCache.Unusable | ((uint)privilege << SegmentCache.DplShift),
    };

    /// <summary>Sets CS, CPL and everything that follows from them.</summary>
    public static void CommitCode(CpuState* state, ushort selector, in Descriptor descriptor, int privilege)
    {
        SegmentCache code = descriptor.ToCache((ushort)((selector & DescriptorTables.ErrorMask) | privilege));
        code.Attributes |= SegmentCache.Accessed;
        *CpuState.Segment(state, SegmentName.Cs) = code;
        state->Cpl = privilege;
        ModeControl.Refresh(state);
    }

    /// <summary>Sets CS of real and virtual-8086 mode.</summary>
    public static void CommitRealCode(CpuState* state, ushort selector)
    {
        SegmentCache* code = CpuState.Segment(state, SegmentName.Cs);
        code->Selector = selector;
        code->Base = (ulong)selector << SegmentShift;
        ModeControl.Refresh(state);
    }

    /// <summary>Makes ES, DS, FS and GS null: behind an interrupt out of virtual-8086 mode.</summary>
    public static void ClearData(CpuState* state)
    {
        foreach (SegmentName name in DataSegments)
        {
            *CpuState.Segment(state, name) = new SegmentCache { Attributes = SegmentCache.Unusable };
        }
    }

    /// <summary>Makes data segments null that the new, outer privilege must not use: behind RET and IRET.</summary>
    public static void ClearInnerData(CpuState* state)
    {
        foreach (SegmentName name in DataSegments)
        {
            SegmentCache* segment = CpuState.Segment(state, name);
            bool isConforming = (segment->Attributes & (SegmentCache.Code | SegmentCache.ExpandDownOrConforming))
                == (SegmentCache.Code | SegmentCache.ExpandDownOrConforming);
            if (segment->IsUsable && !isConforming && segment->Dpl < state->Cpl)
            {
                // The base stays, for 64-bit code that goes on using FS or GS.
                segment->Selector = 0;
                segment->Attributes |= SegmentCache.Unusable;
            }
        }
    }

    private static ReadOnlySpan<SegmentName> DataSegments =>
        [SegmentName.Es, SegmentName.Ds, SegmentName.Fs, SegmentName.Gs];

    private static void LoadReal(CpuState* state, SegmentCache* segment, ushort selector)
    {
        // Limit and attributes stay what they are: that is how a "big real" segment is kept.
        segment->Selector = selector;
        segment->Base = (ulong)selector << SegmentShift;
        if (!segment->IsUsable)
        {
            segment->Attributes = RealAttributes;
        }
    }

    private static bool TryLoadNullStack(
        CpuState* state, ushort selector, int privilege, byte vector, uint external)
    {
        bool isAllowed = state->Mode == CpuMode.Long64 && privilege < 3 && selector == privilege;
        if (!isAllowed)
        {
            return Fault(state, vector, external);
        }

        *CpuState.Segment(state, SegmentName.Ss) = NullStack(privilege);
        return true;
    }

    private static bool TryLoadData(CpuState* state, SegmentCache* segment, ushort selector)
    {
        if (DescriptorTables.IsNull(selector))
        {
            // Intel keeps the base of a null FS or GS as 0, for 64-bit code that goes on using it.
            *segment = new SegmentCache { Selector = selector, Attributes = SegmentCache.Unusable };
            return true;
        }

        if (!DescriptorTables.TryRead(
            state, selector, Faults.GeneralProtection, external: 0, out Descriptor descriptor))
        {
            return false;
        }

        uint error = selector & (uint)DescriptorTables.ErrorMask;
        int rpl = selector & DescriptorTables.RplMask;
        bool isPermitted = descriptor.IsConforming || (descriptor.Dpl >= rpl && descriptor.Dpl >= state->Cpl);
        if (!descriptor.IsReadable || !isPermitted)
        {
            return Fault(state, Faults.GeneralProtection, error);
        }

        if (!descriptor.IsPresent)
        {
            return Fault(state, Faults.SegmentNotPresent, error);
        }

        return TryCommit(state, segment, selector, descriptor);
    }

    private static bool TryCommit(CpuState* state, SegmentCache* segment, ushort selector, in Descriptor descriptor)
    {
        if (!DescriptorTables.SetTypeBits(state, selector, descriptor, SegmentCache.Accessed))
        {
            return false;
        }

        *segment = descriptor.ToCache(selector);
        segment->Attributes |= SegmentCache.Accessed;
        return true;
    }

    private static bool Fault(CpuState* state, byte vector, uint errorCode)
    {
        Faults.Record(state, vector, errorCode);
        return false;
    }
}
