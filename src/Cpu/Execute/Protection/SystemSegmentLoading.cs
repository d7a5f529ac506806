// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Protection;

// JUSTIFICATION: see CpuState.
// SAFETY: guest memory is reached through PrivilegedMemory only.

/// <summary>Loads LDTR and TR.</summary>
/// <remarks>Source: Intel SDM vol. 2, "LLDT", "LTR". False with the fault recorded, and nothing changed.</remarks>
internal static unsafe class SystemSegmentLoading
{
    private const ushort TableIndicator = 4;

    public static bool TryLoad(CpuState* state, SegmentName name, ushort selector)
    {
        bool isTask = name == SegmentName.Tr;
        SegmentCache* segment = CpuState.Segment(state, name);
        if (DescriptorTables.IsNull(selector))
        {
            if (isTask)
            {
                return Fault(state, Faults.GeneralProtection, errorCode: 0);
            }

            *segment = new SegmentCache { Selector = selector, Attributes = SegmentCache.Unusable };
            return true;
        }

        uint error = selector & (uint)DescriptorTables.ErrorMask;
        if ((selector & TableIndicator) != 0)
        {
            return Fault(state, Faults.GeneralProtection, error);
        }

        if (!DescriptorTables.TryRead(
            state, selector, Faults.GeneralProtection, external: 0, out Descriptor descriptor))
        {
            return false;
        }

        if (!IsRightType(state, descriptor, isTask))
        {
            return Fault(state, Faults.GeneralProtection, error);
        }

        if (!descriptor.IsPresent)
        {
            return Fault(state, Faults.SegmentNotPresent, error);
        }

        if (ModeControl.IsLongActive(state) && !LinearMemory.IsCanonical(descriptor.Base))
        {
            return Fault(state, Faults.GeneralProtection, error);
        }

        if (isTask && !DescriptorTables.SetTypeBits(state, selector, descriptor, SystemSegmentType.Busy))
        {
            return false;
        }

        *segment = descriptor.ToCache(selector);
        segment->Attributes |= isTask ? SystemSegmentType.Busy : 0;
        return true;
    }

    private static bool IsRightType(CpuState* state, in Descriptor descriptor, bool isTask)
    {
        if (!descriptor.IsSystem)
        {
            return false;
        }

        if (!isTask)
        {
            return descriptor.Type == SystemSegmentType.LocalTable;
        }

        return descriptor.Type == SystemSegmentType.AvailableTss32
            || (descriptor.Type == SystemSegmentType.AvailableTss16 && !ModeControl.IsLongActive(state));
    }

    private static bool Fault(CpuState* state, byte vector, uint errorCode)
    {
        Faults.Record(state, vector, errorCode);
        return false;
    }
}
