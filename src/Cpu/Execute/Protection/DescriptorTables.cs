// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Protection;

// JUSTIFICATION: see CpuState.
// SAFETY: guest memory is reached through PrivilegedMemory only.

/// <summary>Reads descriptors from GDT, LDT and IDT.</summary>
/// <remarks>Every method records the fault it returns false for.</remarks>
internal static unsafe class DescriptorTables
{
    public const ushort RplMask = 3;
    public const ushort IndexMask = 0xFFF8;
    public const ushort ErrorMask = 0xFFFC;

    private const ushort TableIndicator = 4;
    private const int AccessByteOffset = 5;

    /// <summary>True for the selectors 0 to 3, which name no descriptor.</summary>
    public static bool IsNull(ushort selector) => (selector & ErrorMask) == 0;

    /// <summary>Reads the descriptor a selector names.</summary>
    /// <param name="state">The vCPU.</param>
    /// <param name="selector">Not null.</param>
    /// <param name="vector">The fault if the selector is outside its table: #GP or #TS.</param>
    /// <param name="external">Bit 0 of the error code: 1 while delivering an event the program did not ask for.</param>
    /// <param name="descriptor">Its 8 bytes, and 8 more if it is a system descriptor of long mode.</param>
    public static bool TryRead(
        CpuState* state, ushort selector, byte vector, uint external, out Descriptor descriptor)
    {
        descriptor = default;
        if (!TryLocate(state, selector, Descriptor.Bytes, out ulong address))
        {
            Faults.Record(state, vector, (selector & (uint)ErrorMask) | external);
            return false;
        }

        if (!PrivilegedMemory.ReadAsSupervisor(state, address, Descriptor.Bytes, out ulong low))
        {
            return false;
        }

        descriptor = new Descriptor(low, High: 0);
        if (!ModeControl.IsLongActive(state) || !descriptor.IsSystem)
        {
            return true;
        }

        if (!TryLocate(state, selector, Descriptor.LongBytes, out address))
        {
            Faults.Record(state, vector, (selector & (uint)ErrorMask) | external);
            return false;
        }

        bool read = PrivilegedMemory.ReadAsSupervisor(
            state, address + Descriptor.Bytes, Descriptor.Bytes, out ulong high);
        descriptor = new Descriptor(low, high);
        return read;
    }

    /// <summary>Sets bits in the type of a descriptor in memory: accessed, busy.</summary>
    public static bool SetTypeBits(CpuState* state, ushort selector, in Descriptor descriptor, uint bits)
    {
        if ((descriptor.Type & bits) == bits)
        {
            return true;
        }

        return TryLocate(state, selector, Descriptor.Bytes, out ulong address)
            && PrivilegedMemory.WriteAsSupervisor(
                state, address + AccessByteOffset, sizeBytes: 1, (byte)(descriptor.Attributes | bits));
    }

    /// <summary>Reads a gate of the IDT; outside of the limit it is #GP with the vector as error code.</summary>
    public static bool TryReadGate(CpuState* state, byte vector, uint external, out Descriptor gate)
    {
        gate = default;
        bool isLong = ModeControl.IsLongActive(state);
        int bytes = isLong ? Descriptor.LongBytes : Descriptor.Bytes;
        uint offset = (uint)(vector * bytes);
        if (offset + (uint)bytes - 1 > state->IdtrLimit)
        {
            Faults.Record(state, Faults.GeneralProtection, GateError(vector, external));
            return false;
        }

        ulong high = 0;
        bool read = PrivilegedMemory.ReadAsSupervisor(state, state->IdtrBase + offset, Descriptor.Bytes, out ulong low)
            && (!isLong || PrivilegedMemory.ReadAsSupervisor(
                state, state->IdtrBase + offset + Descriptor.Bytes, Descriptor.Bytes, out high));
        gate = new Descriptor(low, high);
        return read;
    }

    /// <summary>The error code that names a gate of the IDT.</summary>
    public static uint GateError(byte vector, uint external) => ((uint)vector << 3) | 2 | external;

    private static bool TryLocate(CpuState* state, ushort selector, int bytes, out ulong address)
    {
        SegmentCache* local = CpuState.Segment(state, SegmentName.Ldtr);
        bool isLocal = (selector & TableIndicator) != 0;
        uint limit = isLocal ? local->Limit : state->GdtrLimit;
        uint offset = (uint)(selector & IndexMask);
        address = (isLocal ? local->Base : state->GdtrBase) + offset;
        bool hasTable = !isLocal || (local->IsUsable && !IsNull(local->Selector));
        return hasTable && offset + (uint)bytes - 1 <= limit;
    }
}
