// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operations;

// JUSTIFICATION: long moves and fills work on whole runs inside a page.
// SAFETY: a run is bounded by the end of both pages, and its first element was translated by a TLB probe.

/// <summary>MOVS, STOS, LODS, SCAS, CMPS.</summary>
/// <remarks>Source: Intel SDM vol. 2, "MOVS", "STOS", "LODS", "SCAS", "CMPS".</remarks>
internal static unsafe class StringOperations
{
    private const byte RaxOffset = 0;

    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Movsb, &Move);
        table.Add(Mnemonic.Movsw, &Move);
        table.Add(Mnemonic.Movsd, &Move);
        table.Add(Mnemonic.Movsq, &Move);
        table.Add(Mnemonic.Stosb, &Store);
        table.Add(Mnemonic.Stosw, &Store);
        table.Add(Mnemonic.Stosd, &Store);
        table.Add(Mnemonic.Stosq, &Store);
        table.Add(Mnemonic.Lodsb, &Load);
        table.Add(Mnemonic.Lodsw, &Load);
        table.Add(Mnemonic.Lodsd, &Load);
        table.Add(Mnemonic.Lodsq, &Load);
        table.Add(Mnemonic.Scasb, &Scan);
        table.Add(Mnemonic.Scasw, &Scan);
        table.Add(Mnemonic.Scasd, &Scan);
        table.Add(Mnemonic.Scasq, &Scan);
        table.Add(Mnemonic.Cmpsb, &Compare);
        table.Add(Mnemonic.Cmpsw, &Compare);
        table.Add(Mnemonic.Cmpsd, &Compare);
        table.Add(Mnemonic.Cmpsq, &Compare);
    }

    private static Outcome Move(CpuState* state, Uop* uop) =>
        Repetition.Run(state, uop, &MoveSome, comparesZero: false);

    private static Outcome Store(CpuState* state, Uop* uop) =>
        Repetition.Run(state, uop, &StoreSome, comparesZero: false);

    private static Outcome Load(CpuState* state, Uop* uop) =>
        Repetition.Run(state, uop, &LoadOne, comparesZero: false);

    private static Outcome Scan(CpuState* state, Uop* uop) =>
        Repetition.Run(state, uop, &ScanOne, comparesZero: true);

    private static Outcome Compare(CpuState* state, Uop* uop) =>
        Repetition.Run(state, uop, &CompareOne, comparesZero: true);

    private static long MoveSome(CpuState* state, Uop* uop, long possible)
    {
        int bytes = GeneralOperand.Bytes(uop);
        if (!TryResolve(state, uop, uop->Segment, state->Rsi, AccessKind.Read, out ulong source)
            || !TryResolve(state, uop, SegmentName.Es, state->Rdi, AccessKind.Write, out ulong destination))
        {
            return 0;
        }

        long run = StringRun.Forward(state, uop, possible, source, destination);
        byte* from = Tlb.ProbeRead(state, source, bytes);
        byte* to = Tlb.ProbeWrite(state, destination, bytes);
        if (run > 1 && from != null && to != null)
        {
            StringRun.Copy(from, to, run * bytes, bytes);
            Advance(state, uop, run, movesSource: true, movesDestination: true);
            return run;
        }

        if (!LinearMemory.Read(state, source, bytes, uop->Segment)
            || !LinearMemory.Write(state, destination, bytes, state->Loaded, SegmentName.Es))
        {
            return 0;
        }

        Advance(state, uop, count: 1, movesSource: true, movesDestination: true);
        return 1;
    }

    private static long StoreSome(CpuState* state, Uop* uop, long possible)
    {
        int bytes = GeneralOperand.Bytes(uop);
        if (!TryResolve(state, uop, SegmentName.Es, state->Rdi, AccessKind.Write, out ulong destination))
        {
            return 0;
        }

        long run = StringRun.Forward(state, uop, possible, destination, destination);
        byte* to = Tlb.ProbeWrite(state, destination, bytes);
        if (run > 1 && to != null)
        {
            StringRun.Fill(to, run, state->Rax, bytes);
            Advance(state, uop, run, movesSource: false, movesDestination: true);
            return run;
        }

        if (!LinearMemory.Write(state, destination, bytes, state->Rax, SegmentName.Es))
        {
            return 0;
        }

        Advance(state, uop, count: 1, movesSource: false, movesDestination: true);
        return 1;
    }

    private static long LoadOne(CpuState* state, Uop* uop, long possible)
    {
        int bytes = GeneralOperand.Bytes(uop);
        if (!TryResolve(state, uop, uop->Segment, state->Rsi, AccessKind.Read, out ulong source)
            || !LinearMemory.Read(state, source, bytes, uop->Segment))
        {
            return 0;
        }

        RegisterFile.Write(state, RaxOffset, bytes, state->Loaded);
        Advance(state, uop, count: 1, movesSource: true, movesDestination: false);
        return 1;
    }

    private static long ScanOne(CpuState* state, Uop* uop, long possible)
    {
        int bytes = GeneralOperand.Bytes(uop);
        if (!TryResolve(state, uop, SegmentName.Es, state->Rdi, AccessKind.Read, out ulong destination)
            || !LinearMemory.Read(state, destination, bytes, SegmentName.Es))
        {
            return 0;
        }

        Comparison.Apply(state, RegisterFile.Read(state, RaxOffset, bytes), state->Loaded, bytes);
        Advance(state, uop, count: 1, movesSource: false, movesDestination: true);
        return 1;
    }

    private static long CompareOne(CpuState* state, Uop* uop, long possible)
    {
        int bytes = GeneralOperand.Bytes(uop);
        if (!TryResolve(state, uop, uop->Segment, state->Rsi, AccessKind.Read, out ulong source)
            || !LinearMemory.Read(state, source, bytes, uop->Segment))
        {
            return 0;
        }

        ulong left = state->Loaded;
        if (!TryResolve(state, uop, SegmentName.Es, state->Rdi, AccessKind.Read, out ulong destination)
            || !LinearMemory.Read(state, destination, bytes, SegmentName.Es))
        {
            return 0;
        }

        Comparison.Apply(state, left, state->Loaded, bytes);
        Advance(state, uop, count: 1, movesSource: true, movesDestination: true);
        return 1;
    }

    private static bool TryResolve(
        CpuState* state, Uop* uop, SegmentName segment, ulong register, AccessKind access, out ulong linear) =>
        MemoryReference.Resolve(
            state,
            segment,
            MemoryReference.Cut(register, uop->AddressBits),
            GeneralOperand.Bytes(uop),
            access,
            out linear);

    private static void Advance(CpuState* state, Uop* uop, long count, bool movesSource, bool movesDestination)
    {
        long step = (state->SystemFlags & RFlags.Direction) != 0 ? -count : count;
        ulong distance = (ulong)(step << uop->SizeLog);
        if (movesSource)
        {
            AddressRegister.Write(&state->Rsi, uop->AddressBits, state->Rsi + distance);
        }

        if (movesDestination)
        {
            AddressRegister.Write(&state->Rdi, uop->AddressBits, state->Rdi + distance);
        }
    }
}
