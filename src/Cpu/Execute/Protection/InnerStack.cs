// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Protection;

// JUSTIFICATION: see CpuState.
// SAFETY: guest memory is reached through PrivilegedMemory only.

/// <summary>Loads the stack of an inner privilege from the TSS, for gates of 16 and 32 bits.</summary>
/// <remarks>Source: Intel SDM vol. 2A, "INT n", INTER-PRIVILEGE-LEVEL-INTERRUPT, and "CALL", MORE-PRIVILEGE.</remarks>
internal static unsafe class InnerStack
{
    /// <summary>Reads and checks SS:ESP; false with the fault recorded.</summary>
    public static bool TryLoad(
        CpuState* state, int privilege, uint external, out SegmentCache segment, out ulong pointer)
    {
        segment = default;
        pointer = 0;
        if (!TaskState.TryReadStack(state, privilege, external, out ushort selector, out uint esp))
        {
            return false;
        }

        if (DescriptorTables.IsNull(selector))
        {
            return Fault(state, Faults.InvalidTss, external);
        }

        if (!DescriptorTables.TryRead(state, selector, Faults.InvalidTss, external, out Descriptor descriptor))
        {
            return false;
        }

        uint error = (selector & (uint)DescriptorTables.ErrorMask) | external;
        bool isRightPrivilege = (selector & DescriptorTables.RplMask) == privilege && descriptor.Dpl == privilege;
        if (!isRightPrivilege || !descriptor.IsWritableData)
        {
            return Fault(state, Faults.InvalidTss, error);
        }

        if (!descriptor.IsPresent)
        {
            return Fault(state, Faults.StackFault, error);
        }

        pointer = esp;
        segment = descriptor.ToCache(selector);
        segment.Attributes |= SegmentCache.Accessed;
        return DescriptorTables.SetTypeBits(state, selector, descriptor, SegmentCache.Accessed);
    }

    private static bool Fault(CpuState* state, byte vector, uint errorCode)
    {
        Faults.Record(state, vector, errorCode);
        return false;
    }
}
