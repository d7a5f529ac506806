// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Delivery;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operations;

// JUSTIFICATION: see CpuState.
// SAFETY: memory is reached through MemoryReference and LinearMemory.

/// <summary>INT n, INT3, INTO, INT1, BOUND.</summary>
/// <remarks>An INT that is delivered is retired and counts one. Source: Intel SDM vol. 2, "INT n/INTO/INT3/INT1",
/// "BOUND".</remarks>
internal static unsafe class InterruptOperations
{
    public static void Register(InstructionTable table)
    {
        table.AddLast(Mnemonic.Int, &Interrupt);
        table.AddLast(Mnemonic.Int3, &Breakpoint);
        table.AddLast(Mnemonic.Into, &InterruptOnOverflow);
        table.AddLast(Mnemonic.Int1, &DebugTrap);
        table.Add(Mnemonic.Bound, &CheckBounds);
    }

    private static Outcome Interrupt(CpuState* state, Uop* uop) => FlagLoading.IsVirtual8086Denied(state)
        ? Faults.GeneralProtectionFault(state)
        : Deliver(state, uop, (byte)uop->Immediate);

    private static Outcome Breakpoint(CpuState* state, Uop* uop) => Deliver(state, uop, Faults.Breakpoint);

    private static Outcome InterruptOnOverflow(CpuState* state, Uop* uop)
    {
        if (LazyFlags.Overflow(state))
        {
            return Deliver(state, uop, Faults.OverflowTrap);
        }

        state->Rip = Leaving.NextRip(state, uop);
        return Outcome.Jumped;
    }

    /// <summary>INT1 is #DB as hardware raises it: the gate's DPL does not count.</summary>
    private static Outcome DebugTrap(CpuState* state, Uop* uop)
    {
        state->Rip = Leaving.NextRip(state, uop);
        Faults.Record(state, Faults.Debug);
        state->Exit = ExitReason.Fault;
        return Outcome.Jumped;
    }

    private static Outcome Deliver(CpuState* state, Uop* uop, byte vector)
    {
        if (ExceptionDelivery.TryDeliverSoftware(state, vector, Leaving.NextRip(state, uop)))
        {
            state->IsTrapDecided = 1;
            return Outcome.Jumped;
        }

        return state->Exit == ExitReason.EmulationFailure ? Outcome.NotRetired : Faults.Raised(state);
    }

    private static Outcome CheckBounds(CpuState* state, Uop* uop)
    {
        int bytes = GeneralOperand.Bytes(uop);
        int bits = GeneralOperand.Bits(uop);
        ulong offset = MemoryReference.Offset(state, uop);
        if (!TryRead(state, uop, offset, bytes))
        {
            return Faults.Raised(state);
        }

        long lower = GeneralOperand.Extend(state->Loaded, bits);
        if (!TryRead(state, uop, MemoryReference.Cut(offset + (ulong)bytes, uop->AddressBits), bytes))
        {
            return Faults.Raised(state);
        }

        long upper = GeneralOperand.Extend(state->Loaded, bits);
        long index = GeneralOperand.Extend(RegisterFile.Read(state, uop->Destination, bytes), bits);
        return index < lower || index > upper ? Faults.Raise(state, Faults.BoundRange) : Outcome.Next;
    }

    private static bool TryRead(CpuState* state, Uop* uop, ulong offset, int bytes) =>
        MemoryReference.Resolve(state, uop->Segment, offset, bytes, AccessKind.Read, out ulong linear)
        && LinearMemory.Read(state, linear, bytes, uop->Segment);
}
