// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operations;

// JUSTIFICATION: see CpuState.
// SAFETY: memory is reached through StackAccess and GeneralOperand.

/// <summary>PUSH and POP in all forms but of segment registers, PUSHA, POPA, ENTER, LEAVE.</summary>
/// <remarks>RSP changes only when every access has succeeded. Source: Intel SDM vol. 2, "PUSH", "POP", "PUSHA", "POPA",
/// "ENTER", "LEAVE".</remarks>
internal static unsafe class StackOperations
{
    private const int AllRegisters = 8;
    private const byte RbpOffset = 40;
    private const int NestingMask = 31;

    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Pusha, &PushAll);
        table.Add(Mnemonic.Pushad, &PushAll);
        table.Add(Mnemonic.Popa, &PopAll);
        table.Add(Mnemonic.Popad, &PopAll);
        table.Add(Mnemonic.Enter, &Enter);
        table.Add(Mnemonic.Leave, &Leave);
    }

    public static Outcome Push(CpuState* state, Uop* uop) =>
        GeneralOperand.TryReadDestination(state, uop, out ulong value)
        && StackAccess.TryPush(state, value, GeneralOperand.Bytes(uop))
            ? Outcome.Next
            : Outcome.NotRetired;

    /// <summary>POP: the address of a memory destination is formed with RSP already moved.</summary>
    public static Outcome Pop(CpuState* state, Uop* uop)
    {
        int bytes = GeneralOperand.Bytes(uop);
        if (!StackAccess.TryPeek(state, offsetBytes: 0, bytes, out ulong value))
        {
            return Outcome.NotRetired;
        }

        ulong before = state->Rsp;
        StackAccess.Drop(state, bytes);
        if (GeneralOperand.TryWriteDestination(state, uop, value))
        {
            return Outcome.Next;
        }

        state->Rsp = before;
        return Outcome.NotRetired;
    }

    private static Outcome PushAll(CpuState* state, Uop* uop)
    {
        int bytes = GeneralOperand.Bytes(uop);
        ulong* registers = CpuState.Gprs(state);
        for (int index = 0; index < AllRegisters; index++)
        {
            ulong pointer = StackAccess.Moved(state, -bytes * (index + 1));
            if (!StackAccess.TryWrite(state, pointer, registers[index], bytes))
            {
                return Outcome.NotRetired;
            }
        }

        state->Rsp = StackAccess.Moved(state, -bytes * AllRegisters);
        return Outcome.Next;
    }

    private static Outcome PopAll(CpuState* state, Uop* uop)
    {
        int bytes = GeneralOperand.Bytes(uop);
        ulong* loaded = stackalloc ulong[AllRegisters];
        for (int slot = 0; slot < AllRegisters; slot++)
        {
            if (!StackAccess.TryPeek(state, slot * bytes, bytes, out loaded[AllRegisters - 1 - slot]))
            {
                return Outcome.NotRetired;
            }
        }

        for (int index = 0; index < AllRegisters; index++)
        {
            if (index != (int)Gpr.Rsp)
            {
                RegisterFile.Write(state, (byte)(index * 8), bytes, loaded[index]);
            }
        }

        StackAccess.Drop(state, bytes * AllRegisters);
        return Outcome.Next;
    }

    private static Outcome Enter(CpuState* state, Uop* uop)
    {
        int bytes = GeneralOperand.Bytes(uop);
        int level = uop->Detail & NestingMask;
        ulong pointer = StackAccess.Moved(state, -bytes);
        if (!StackAccess.TryWrite(state, pointer, state->Rbp, bytes))
        {
            return Outcome.NotRetired;
        }

        ulong frame = pointer;
        for (int index = 1; index <= level; index++)
        {
            ulong link = frame;
            if (index < level && !TryReadDisplay(state, index * bytes, bytes, out link))
            {
                return Outcome.NotRetired;
            }

            pointer = StackAccess.Moved(state, pointer, -bytes);
            if (!StackAccess.TryWrite(state, pointer, link, bytes))
            {
                return Outcome.NotRetired;
            }
        }

        pointer = StackAccess.Moved(state, pointer, -(ushort)uop->Immediate);

        // The manual's last step: the new top must be writable.
        if (!IsWritable(state, pointer, bytes))
        {
            return Outcome.NotRetired;
        }

        RegisterFile.Write(state, RbpOffset, bytes, frame);
        state->Rsp = pointer;
        return Outcome.Next;
    }

    private static bool TryReadDisplay(CpuState* state, int distance, int bytes, out ulong link)
    {
        ulong mask = StackAccess.PointerMask(state);
        ulong offset = (state->Rbp - (ulong)distance) & mask;
        bool read = MemoryReference.Resolve(state, SegmentName.Ss, offset, bytes, AccessKind.Read, out ulong linear)
            && LinearMemory.Read(state, linear, bytes, SegmentName.Ss);
        link = state->Loaded;
        state->Exit = read ? state->Exit : ExitReason.Fault;
        return read;
    }

    private static bool IsWritable(CpuState* state, ulong pointer, int bytes)
    {
        ulong offset = pointer & StackAccess.PointerMask(state);
        bool writable = MemoryReference.Resolve(
            state, SegmentName.Ss, offset, bytes, AccessKind.Write, out ulong linear)
            && LinearMemory.CheckWrite(state, linear, bytes, SegmentName.Ss);
        state->Exit = writable ? state->Exit : ExitReason.Fault;
        return writable;
    }

    private static Outcome Leave(CpuState* state, Uop* uop)
    {
        int bytes = GeneralOperand.Bytes(uop);
        ulong before = state->Rsp;
        ulong mask = StackAccess.PointerMask(state);
        state->Rsp = (state->Rsp & ~mask) | (state->Rbp & mask);
        if (!StackAccess.TryPeek(state, offsetBytes: 0, bytes, out ulong frame))
        {
            state->Rsp = before;
            return Outcome.NotRetired;
        }

        StackAccess.Drop(state, bytes);
        RegisterFile.Write(state, RbpOffset, bytes, frame);
        return Outcome.Next;
    }
}
