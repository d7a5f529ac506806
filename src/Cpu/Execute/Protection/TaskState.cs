// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Protection;

// JUSTIFICATION: see CpuState.
// SAFETY: guest memory is reached through PrivilegedMemory only.

/// <summary>Reads the inner stacks and the I/O permission bitmap from the TSS.</summary>
/// <remarks>Source: Intel SDM vol. 3A, sections 9.2.1 "Task-State Segment (TSS)" and 9.7 "Task Management in 64-bit
/// Mode"; vol. 1, section 19.5.2 "I/O Permission Bit Map". Every method records the fault it returns false
/// for.</remarks>
internal static unsafe class TaskState
{
    private const uint FirstStack64 = 4;
    private const uint FirstStack32 = 4;
    private const uint FirstStack16 = 2;
    private const uint InterruptStackTable = 36;
    private const uint BitmapPointer = 102;

    /// <summary>RSP of a privilege, or of an entry of the interrupt stack table if that is not 0.</summary>
    public static bool TryReadStack64(CpuState* state, int privilege, int stackTable, uint external, out ulong rsp)
    {
        uint offset = stackTable != 0
            ? InterruptStackTable + ((uint)(stackTable - 1) * 8)
            : FirstStack64 + ((uint)privilege * 8);
        return TryRead(state, offset, 8, external, out rsp);
    }

    /// <summary>SS:ESP of a privilege.</summary>
    public static bool TryReadStack(
        CpuState* state, int privilege, uint external, out ushort selector, out uint pointer)
    {
        SegmentCache* task = CpuState.Segment(state, SegmentName.Tr);
        bool is32 = SystemSegmentType.IsTss32(task->Attributes & SegmentCache.TypeMask);
        uint offset = is32 ? FirstStack32 + ((uint)privilege * 8) : FirstStack16 + ((uint)privilege * 4);
        int pointerBytes = is32 ? 4 : 2;
        selector = 0;
        pointer = 0;
        if (!TryRead(state, offset, pointerBytes, external, out ulong pointerValue)
            || !TryRead(state, offset + (uint)pointerBytes, 2, external, out ulong selectorValue))
        {
            return false;
        }

        pointer = (uint)pointerValue;
        selector = (ushort)selectorValue;
        return true;
    }

    /// <summary>True if the I/O permission bitmap lets ports be accessed; else the fault is recorded.</summary>
    public static bool PermitsPort(CpuState* state, ushort port, int sizeBytes)
    {
        SegmentCache* task = CpuState.Segment(state, SegmentName.Tr);
        bool hasBitmap = task->IsUsable && SystemSegmentType.IsTss32(task->Attributes & SegmentCache.TypeMask)
            && task->Limit >= BitmapPointer + 1;
        if (!hasBitmap)
        {
            Faults.Record(state, Faults.GeneralProtection, errorCode: 0);
            return false;
        }

        if (!PrivilegedMemory.ReadAsSupervisor(state, task->Base + BitmapPointer, 2, out ulong pointer))
        {
            return false;
        }

        // Two bytes are read always, so that a 4-byte access at any port is covered.
        uint offset = (uint)pointer + ((uint)port >> 3);
        if (offset + 1 > task->Limit)
        {
            Faults.Record(state, Faults.GeneralProtection, errorCode: 0);
            return false;
        }

        if (!PrivilegedMemory.ReadAsSupervisor(state, task->Base + offset, 2, out ulong bits))
        {
            return false;
        }

        uint mask = ((1u << sizeBytes) - 1) << (port & 7);
        if ((bits & mask) == 0)
        {
            return true;
        }

        Faults.Record(state, Faults.GeneralProtection, errorCode: 0);
        return false;
    }

    private static bool TryRead(CpuState* state, uint offset, int bytes, uint external, out ulong value)
    {
        SegmentCache* task = CpuState.Segment(state, SegmentName.Tr);
        if (offset + (uint)bytes - 1 > task->Limit)
        {
            value = 0;
            Faults.Record(state, Faults.InvalidTss, (task->Selector & (uint)DescriptorTables.ErrorMask) | external);
            return false;
        }

        return PrivilegedMemory.ReadAsSupervisor(state, task->Base + offset, bytes, out value);
    }
}
