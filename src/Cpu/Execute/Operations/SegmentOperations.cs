// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.Execute.Protection;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operations;

// JUSTIFICATION: see CpuState.
// SAFETY: memory is reached through GeneralOperand, MemoryReference and StackAccess.

/// <summary>Moves, pushes, pops and far pointer loads of ES, SS, DS, FS and GS, and the base instructions.</summary>
/// <remarks>Source: Intel SDM vol. 2, "MOV", "PUSH", "POP", "LDS/LES/LFS/LGS/LSS", "RDFSBASE", "WRFSBASE".</remarks>
internal static unsafe class SegmentOperations
{
    private const int SelectorBytes = 2;

    public static void Register(InstructionTable table)
    {
        table.AddLast(Mnemonic.Lds, &LoadDs);
        table.AddLast(Mnemonic.Les, &LoadEs);
        table.AddLast(Mnemonic.Lfs, &LoadFs);
        table.AddLast(Mnemonic.Lgs, &LoadGs);
        table.AddLast(Mnemonic.Lss, &LoadSs);
        table.Add(Mnemonic.Rdfsbase, &ReadFsBase, GuestFeature.FsGsBase);
        table.Add(Mnemonic.Rdgsbase, &ReadGsBase, GuestFeature.FsGsBase);
        table.Add(Mnemonic.Wrfsbase, &WriteFsBase, GuestFeature.FsGsBase);
        table.Add(Mnemonic.Wrgsbase, &WriteGsBase, GuestFeature.FsGsBase);
    }

    /// <summary>MOV from a segment register: 16 bits to memory, zero-extended to a register.</summary>
    public static Outcome Store(CpuState* state, Uop* uop)
    {
        ushort selector = CpuState.Segment(state, (SegmentName)uop->Detail)->Selector;
        int bytes = uop->DestinationKind == OperandKind.Register ? GeneralOperand.Bytes(uop) : SelectorBytes;
        return GeneralOperand.TryWriteDestination(state, uop, bytes, selector)
            ? Outcome.Next
            : Outcome.NotRetired;
    }

    /// <summary>MOV to a segment register.</summary>
    public static Outcome Load(CpuState* state, Uop* uop)
    {
        var name = (SegmentName)uop->Detail;
        if (name is SegmentName.Cs or > SegmentName.Gs)
        {
            return Faults.Undefined(state);
        }

        return GeneralOperand.TryReadSource(state, uop, SelectorBytes, out ulong selector)
            ? Finish(state, name, (ushort)selector)
            : Outcome.NotRetired;
    }

    public static Outcome Push(CpuState* state, Uop* uop)
    {
        ushort selector = CpuState.Segment(state, (SegmentName)uop->Detail)->Selector;
        int bytes = GeneralOperand.Bytes(uop);

        // A 32-bit push moves ESP by 4 and writes 2 bytes, on the processors of the last decades.
        ulong pointer = StackAccess.Moved(state, -bytes);
        if (!StackAccess.TryWrite(state, pointer, selector, bytes == 4 ? SelectorBytes : bytes))
        {
            return Outcome.NotRetired;
        }

        state->Rsp = pointer;
        return Outcome.Next;
    }

    public static Outcome Pop(CpuState* state, Uop* uop)
    {
        int bytes = GeneralOperand.Bytes(uop);
        if (!StackAccess.TryPeek(state, offsetBytes: 0, SelectorBytes, out ulong selector))
        {
            return Outcome.NotRetired;
        }

        // RSP moves with the old stack segment, and only if the load succeeds.
        ulong moved = StackAccess.Moved(state, bytes);
        Outcome outcome = Finish(state, (SegmentName)uop->Detail, (ushort)selector);
        state->Rsp = outcome == Outcome.Next ? moved : state->Rsp;
        return outcome;
    }

    private static Outcome Finish(CpuState* state, SegmentName name, ushort selector)
    {
        if (!SegmentLoading.TryLoad(state, name, selector))
        {
            return Faults.Raised(state);
        }

        if (name == SegmentName.Ss)
        {
            state->InterruptShadow = ModeControl.ShadowOfMovSs;
            ModeControl.RefreshFlags(state);
        }

        return Outcome.Next;
    }

    private static Outcome LoadDs(CpuState* state, Uop* uop) => LoadFar(state, uop, SegmentName.Ds);

    private static Outcome LoadEs(CpuState* state, Uop* uop) => LoadFar(state, uop, SegmentName.Es);

    private static Outcome LoadFs(CpuState* state, Uop* uop) => LoadFar(state, uop, SegmentName.Fs);

    private static Outcome LoadGs(CpuState* state, Uop* uop) => LoadFar(state, uop, SegmentName.Gs);

    private static Outcome LoadSs(CpuState* state, Uop* uop) => LoadFar(state, uop, SegmentName.Ss);

    private static Outcome LoadFar(CpuState* state, Uop* uop, SegmentName name)
    {
        int bytes = GeneralOperand.Bytes(uop);
        if (!FarPointer.TryRead(state, uop, bytes, out ulong offset, out ushort selector))
        {
            return Outcome.NotRetired;
        }

        if (!SegmentLoading.TryLoad(state, name, selector))
        {
            return Faults.Raised(state);
        }

        RegisterFile.Write(state, uop->Destination, bytes, offset);
        return Outcome.Next;
    }

    private static Outcome ReadFsBase(CpuState* state, Uop* uop) => ReadBase(state, uop, SegmentName.Fs);

    private static Outcome ReadGsBase(CpuState* state, Uop* uop) => ReadBase(state, uop, SegmentName.Gs);

    private static Outcome WriteFsBase(CpuState* state, Uop* uop) => WriteBase(state, uop, SegmentName.Fs);

    private static Outcome WriteGsBase(CpuState* state, Uop* uop) => WriteBase(state, uop, SegmentName.Gs);

    private static Outcome ReadBase(CpuState* state, Uop* uop, SegmentName name)
    {
        if (!HasBaseInstructions(state))
        {
            return Faults.Undefined(state);
        }

        ulong value = CpuState.Segment(state, name)->Base;
        RegisterFile.Write(state, uop->Destination, GeneralOperand.Bytes(uop), value);
        return Outcome.Next;
    }

    private static Outcome WriteBase(CpuState* state, Uop* uop, SegmentName name)
    {
        if (!HasBaseInstructions(state))
        {
            return Faults.Undefined(state);
        }

        ulong value = RegisterFile.Read(state, uop->Destination, GeneralOperand.Bytes(uop));
        if (!LinearMemory.IsCanonical(value))
        {
            return Faults.GeneralProtectionFault(state);
        }

        CpuState.Segment(state, name)->Base = value;
        return Outcome.Next;
    }

    private static bool HasBaseInstructions(CpuState* state) =>
        state->Mode == CpuMode.Long64 && (state->Cr4 & ControlBits.Cr4FsGsBase) != 0;
}
