// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Protection;

// JUSTIFICATION: see CpuState.
// SAFETY: guest memory is reached through PrivilegedMemory only.

/// <summary>A stack that is being pushed to before it becomes the current one: RSP is committed by the caller when
/// everything has succeeded.</summary>
/// <remarks>Every method records the fault it returns false for.</remarks>
internal unsafe ref struct PushedStack
{
    private readonly CpuState* _state;
    private readonly SegmentCache _segment;
    private readonly ulong _mask;
    private readonly uint _faultCode;
    private readonly bool _user;
    private readonly bool _isFlat;

    /// <param name="segment">The stack segment that will be current.</param>
    /// <param name="pointer">The stack pointer to start from.</param>
    /// <param name="user">True if the pushes are made at privilege 3.</param>
    /// <param name="isFlat">True for a 64-bit stack: no base, no limit.</param>
    /// <param name="faultCode">Error code of #SS if the stack is too small.</param>
    public PushedStack(
        CpuState* state, in SegmentCache segment, ulong pointer, bool user, bool isFlat, uint faultCode)
    {
        _state = state;
        _segment = segment;
        _mask = isFlat ? ulong.MaxValue
            : (segment.Attributes & SegmentCache.Big) != 0 ? uint.MaxValue
            : ushort.MaxValue;
        _faultCode = faultCode;
        _user = user;
        _isFlat = isFlat;
        Pointer = pointer;
    }

    /// <summary>The stack pointer so far; bits above the stack's address size are as they were.</summary>
    public ulong Pointer { get; private set; }

    public bool Push(ulong value, int sizeBytes)
    {
        ulong offset = (Pointer - (ulong)sizeBytes) & _mask;
        bool isInside = _isFlat
            ? LinearMemory.IsCanonical(offset) && LinearMemory.IsCanonical(offset + (ulong)sizeBytes - 1)
            : SegmentLimit.Holds(_segment, offset, sizeBytes);
        if (!isInside)
        {
            Faults.Record(_state, Faults.StackFault, _faultCode);
            return false;
        }

        ulong linear = _isFlat ? offset : (uint)(_segment.Base + offset);
        if (!PrivilegedMemory.Write(_state, linear, sizeBytes, value, _user))
        {
            return false;
        }

        Pointer = (Pointer & ~_mask) | offset;
        return true;
    }
}
