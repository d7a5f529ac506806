// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.Execute.Protection;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operations;

// JUSTIFICATION: see CpuState.
// SAFETY: memory is reached through MemoryReference and LinearMemory.

/// <summary>IN, OUT, INS and OUTS: checked here, then a VM exit; <see cref="PortCompletion"/> does the rest. IN and OUT
/// of a quiet port are answered at once.</summary>
/// <remarks>INS has its destination checked before it exits, so that a port is not read for an access that faults. Each
/// iteration of a repeated one is an exit of its own. Source: Intel SDM vol. 2, "IN", "OUT", "INS", "OUTS"; vol. 1,
/// section 19.5 "Protected-Mode I/O".</remarks>
internal static unsafe class PortOperations
{
    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.In, &In);
        table.Add(Mnemonic.Out, &Out);
        table.AddLast(Mnemonic.Insb, &InString);
        table.AddLast(Mnemonic.Insw, &InString);
        table.AddLast(Mnemonic.Insd, &InString);
        table.AddLast(Mnemonic.Outsb, &OutString);
        table.AddLast(Mnemonic.Outsw, &OutString);
        table.AddLast(Mnemonic.Outsd, &OutString);
    }

    private const byte RaxOffset = 0;

    private static Outcome In(CpuState* state, Uop* uop)
    {
        int bytes = GeneralOperand.Bytes(uop);
        ushort port = PortOf(state, uop, uop->SourceKind);
        if (!IsPermitted(state, port, bytes))
        {
            return Faults.Raised(state);
        }

        if (state->SingleStep == 0
            && VcpuEngine.Of(state).Events.Bus.TryReadPort(port, bytes, VmTime.Now(state, uop), out uint value))
        {
            RegisterFile.Write(state, RaxOffset, bytes, value);
            return Outcome.Next;
        }

        return Exit(state, uop, PortAccessKind.Read, port);
    }

    private static Outcome Out(CpuState* state, Uop* uop)
    {
        int bytes = GeneralOperand.Bytes(uop);
        ushort port = PortOf(state, uop, uop->DestinationKind);
        if (!IsPermitted(state, port, bytes))
        {
            return Faults.Raised(state);
        }

        uint value = (uint)GeneralOperand.Cut(state->Rax, 8 * bytes);
        if (state->SingleStep == 0
            && VcpuEngine.Of(state).Events.Bus.TryWritePort(port, bytes, value, VmTime.Now(state, uop)))
        {
            return Outcome.Next;
        }

        Exit(state, uop, PortAccessKind.Write, port);
        state->Port.Value = value;
        return Outcome.NotRetired;
    }

    private static Outcome InString(CpuState* state, Uop* uop)
    {
        if (IsRepeatedZeroTimes(state, uop))
        {
            return Outcome.Next;
        }

        int bytes = GeneralOperand.Bytes(uop);
        ulong offset = MemoryReference.Cut(state->Rdi, uop->AddressBits);
        ushort port = (ushort)state->Rdx;
        bool isPossible = IsPermitted(state, port, bytes)
            && MemoryReference.Resolve(state, SegmentName.Es, offset, bytes, AccessKind.Write, out ulong destination)
            && LinearMemory.CheckWrite(state, destination, bytes, SegmentName.Es);
        return isPossible ? ExitString(state, uop, PortAccessKind.Read, port) : Faults.Raised(state);
    }

    private static Outcome OutString(CpuState* state, Uop* uop)
    {
        if (IsRepeatedZeroTimes(state, uop))
        {
            return Outcome.Next;
        }

        int bytes = GeneralOperand.Bytes(uop);
        ulong offset = MemoryReference.Cut(state->Rsi, uop->AddressBits);
        ushort port = (ushort)state->Rdx;
        bool isPossible = IsPermitted(state, port, bytes)
            && MemoryReference.Resolve(state, uop->Segment, offset, bytes, AccessKind.Read, out ulong source)
            && LinearMemory.Read(state, source, bytes, uop->Segment);
        if (!isPossible)
        {
            return Faults.Raised(state);
        }

        ExitString(state, uop, PortAccessKind.Write, port);
        state->Port.Value = (uint)state->Loaded;
        return Outcome.NotRetired;
    }

    private static bool IsRepeatedZeroTimes(CpuState* state, Uop* uop) =>
        (uop->Flags & (UopFlags.Repeat | UopFlags.RepeatWhileNotEqual)) != 0
        && MemoryReference.Cut(state->Rcx, uop->AddressBits) == 0;

    private static ushort PortOf(CpuState* state, Uop* uop, OperandKind kind) =>
        kind == OperandKind.Immediate ? (byte)uop->Immediate : (ushort)state->Rdx;

    private static bool IsPermitted(CpuState* state, ushort port, int sizeBytes)
    {
        bool byPrivilege = !FlagLoading.HasPrivileges(state)
            || (state->Cpl <= FlagLoading.IoPrivilege(state) && state->Mode != CpuMode.Virtual8086);
        return byPrivilege || TaskState.PermitsPort(state, port, sizeBytes);
    }

    private static Outcome Exit(CpuState* state, Uop* uop, PortAccessKind kind, ushort port)
    {
        state->Port = new PortAccess
        {
            Kind = kind,
            Port = port,
            SizeBytes = (byte)GeneralOperand.Bytes(uop),
            InstructionBytes = uop->Length,
            AddressBits = uop->AddressBits,
        };
        state->Exit = kind == PortAccessKind.Read ? ExitReason.PortRead : ExitReason.PortWrite;
        return Outcome.NotRetired;
    }

    private static Outcome ExitString(CpuState* state, Uop* uop, PortAccessKind kind, ushort port)
    {
        Exit(state, uop, kind, port);
        state->Port.IsString = true;
        state->Port.IsRepeated = (uop->Flags & (UopFlags.Repeat | UopFlags.RepeatWhileNotEqual)) != 0;
        return Outcome.NotRetired;
    }
}
