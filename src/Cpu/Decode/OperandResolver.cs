// SPDX-License-Identifier: Apache-2.0

using System.Numerics;
using Iced.Intel;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Decode;

// JUSTIFICATION: see Uop.
// SAFETY: writes only the micro-operation it is given.

/// <summary>Resolves an instruction's operands once, so that handlers ask no questions.</summary>
internal static unsafe class OperandResolver
{
    public static void Resolve(in Instruction instruction, CpuMode mode, Uop* uop)
    {
        uop->BaseRegister = CpuState.ZeroRegisterOffset;
        uop->IndexRegister = CpuState.ZeroRegisterOffset;
        uop->Length = (byte)instruction.Length;
        uop->Flags = FlagsOf(instruction);
        uop->SizeLog = (byte)BitOperations.Log2((uint)OperandBytes(instruction));
        for (int operand = 0; operand < instruction.OpCount; operand++)
        {
            Resolve(instruction, operand, mode, uop);
        }
    }

    /// <summary>Size of the operation in bytes: of the first operand if that has one, else of the encoding.</summary>
    private static int OperandBytes(in Instruction instruction)
    {
        // OUT and OUTS have the port first, whose register says nothing about the size.
        switch (instruction.Mnemonic)
        {
            case Mnemonic.Out:
                return instruction.Op1Register.GetSize();
            case Mnemonic.Outsb or Mnemonic.Outsw or Mnemonic.Outsd:
                return instruction.MemorySize.GetSize();
        }

        if (instruction.OpCount > 0 && instruction.Op0Kind == OpKind.Register && instruction.Op0Register.IsGPR())
        {
            return instruction.Op0Register.GetSize();
        }

        // A far pointer in memory is larger than what it is loaded into.
        bool isFarPointer = instruction.MemorySize
            is MemorySize.SegPtr16 or MemorySize.SegPtr32 or MemorySize.SegPtr64;
        bool firstIsMemory = instruction.OpCount > 0 && IsMemory(instruction.Op0Kind) && !isFarPointer;
        int memoryBytes = firstIsMemory ? instruction.MemorySize.GetSize() : 0;
        if (memoryBytes is 1 or 2 or 4 or 8)
        {
            return memoryBytes;
        }

        return instruction.Code.ToOpCode().OperandSize switch
        {
            16 => 2,
            32 => 4,
            64 => 8,
            _ => 1,
        };
    }

    private static UopFlags FlagsOf(in Instruction instruction) =>
        (instruction.HasRepPrefix ? UopFlags.Repeat : 0)
        | (instruction.HasRepnePrefix ? UopFlags.RepeatWhileNotEqual : 0)
        | (instruction.Code is Code.Lgdt_m1632_16 or Code.Lidt_m1632_16 ? UopFlags.Operand16 : 0);

    private static void Resolve(in Instruction instruction, int operand, CpuMode mode, Uop* uop)
    {
        OpKind kind = instruction.GetOpKind(operand);
        if (kind == OpKind.Register)
        {
            ResolveRegister(instruction.GetOpRegister(operand), operand, uop);
        }
        else if (IsMemory(kind))
        {
            SetKind(uop, operand, OperandKind.Memory);
            ResolveMemory(instruction, kind, mode, uop);
        }
        else if (kind is OpKind.NearBranch16 or OpKind.NearBranch32 or OpKind.NearBranch64)
        {
            uop->Immediate = instruction.NearBranchTarget;

            // LOOP and JCXZ count in CX, ECX or RCX, by the address size; other branches do not look at it.
            uop->AddressBits = (byte)instruction.Code.ToOpCode().AddressSize;
        }
        else if (kind is OpKind.FarBranch16 or OpKind.FarBranch32)
        {
            ulong offset = kind == OpKind.FarBranch16 ? instruction.FarBranch16 : instruction.FarBranch32;
            uop->Immediate = ((ulong)instruction.FarBranchSelector << 32) | offset;
        }
        else if (kind == OpKind.Immediate8_2nd)
        {
            uop->Detail = instruction.Immediate8_2nd;
        }
        else
        {
            SetKind(uop, operand, OperandKind.Immediate);
            uop->Immediate = instruction.GetImmediate(operand);
        }
    }

    private static void ResolveRegister(Register register, int operand, Uop* uop)
    {
        SetKind(uop, operand, OperandKind.Register);
        byte offset = 0;
        if (register.IsGPR())
        {
            offset = RegisterOffset.Of(register);
        }
        else if (register is >= Register.ST0 and <= Register.ST7)
        {
            // A place of the x87 stack, from its top.
            offset = (byte)(register - Register.ST0);
        }
        else if (register.IsXMM() || register.IsMM())
        {
            offset = RegisterOffset.OfVector(register);
        }
        else
        {
            // Segment, control and debug registers are numbers; no instruction has two of them.
            uop->Detail = (byte)register.GetNumber();
        }

        switch (operand)
        {
            case 0:
                uop->Destination = offset;
                break;
            case 1:
                uop->Source = offset;
                break;
            default:
                uop->Third = offset;
                break;
        }
    }

    private static void SetKind(Uop* uop, int operand, OperandKind kind)
    {
        if (operand == 0)
        {
            uop->DestinationKind = kind;
        }
        else if (operand == 1)
        {
            uop->SourceKind = kind;
        }
        else
        {
            uop->ThirdKind = kind;
        }
    }

    private static void ResolveMemory(in Instruction instruction, OpKind kind, CpuMode mode, Uop* uop)
    {
        uop->AddressBits = (byte)AddressBits(instruction, kind);
        if (kind != OpKind.Memory)
        {
            // A string operand: registers and segments are implied, but for the source's segment.
            if (kind is >= OpKind.MemorySegSI and <= OpKind.MemorySegRDI)
            {
                uop->Segment = RegisterOffset.Segment(instruction.MemorySegment);
            }

            return;
        }

        uop->Segment = RegisterOffset.Segment(instruction.MemorySegment);
        uop->BaseRegister = RegisterOffset.Of(instruction.MemoryBase);
        uop->IndexRegister = RegisterOffset.Of(instruction.MemoryIndex);
        uop->ScaleShift = (byte)BitOperations.Log2((uint)instruction.MemoryIndexScale);
        uop->Displacement = instruction.MemoryDisplacement64;
        bool hasBase = uop->Segment is SegmentName.Fs or SegmentName.Gs;
        uop->Form = mode != CpuMode.Long64 ? AddressForm.Segmented
            : hasBase || uop->AddressBits != 64 ? AddressForm.Based
            : AddressForm.Flat;
    }

    private static int AddressBits(in Instruction instruction, OpKind kind)
    {
        switch (kind)
        {
            case OpKind.MemorySegSI or OpKind.MemorySegDI or OpKind.MemoryESDI:
                return 16;
            case OpKind.MemorySegESI or OpKind.MemorySegEDI or OpKind.MemoryESEDI:
                return 32;
            case OpKind.MemorySegRSI or OpKind.MemorySegRDI or OpKind.MemoryESRDI:
                return 64;
        }

        Register register = instruction.MemoryBase != Register.None ? instruction.MemoryBase : instruction.MemoryIndex;
        int bytes = register != Register.None ? register.GetSize() : instruction.MemoryDisplSize;
        return bytes switch
        {
            2 => 16,
            4 => 32,
            _ => 64,
        };
    }

    private static bool IsMemory(OpKind kind) =>
        kind == OpKind.Memory || kind is >= OpKind.MemorySegSI and <= OpKind.MemoryESRDI;
}
