// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operations;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Binding;

// JUSTIFICATION: see Uop.
// SAFETY: gives pointers to static methods only.

/// <summary>Finds the general operation of an instruction whose mnemonic alone does not tell it: MOV, PUSH, POP, near
/// and far branches, and counting instructions that older processors execute as scans.</summary>
internal static unsafe class GeneralBinding
{
    /// <summary>The operation, or null if the mnemonic alone decides.</summary>
    /// <param name="context">Gets EndsBlock set if the instruction has to be the last of its block.</param>
    public static delegate* managed<CpuState*, Uop*, Outcome> Find(ref BindingContext context)
    {
        ref readonly Instruction instruction = ref context.Instruction;
        switch (instruction.Mnemonic)
        {
            case Mnemonic.Mov:
                return FindMove(ref context);
            case Mnemonic.Push:
                return HasSegmentRegister(instruction) ? &SegmentOperations.Push : &StackOperations.Push;
            case Mnemonic.Pop:
                context.EndsBlock = HasSegmentRegister(instruction);
                return HasSegmentRegister(instruction) ? &SegmentOperations.Pop : &StackOperations.Pop;
            case Mnemonic.Jmp or Mnemonic.Call or Mnemonic.Ret:
                context.EndsBlock = true;
                return FindBranch(instruction);
            case Mnemonic.Tzcnt:
                context.Uop->Immediate = (ulong)instruction.Mnemonic;
                return (context.Features & GuestFeature.Bmi1) != 0
                    ? &BitScanOperations.CountTrailingZeros
                    : &BitScanOperations.ScanInstead;
            case Mnemonic.Lzcnt:
                context.Uop->Immediate = (ulong)instruction.Mnemonic;
                return (context.Features & GuestFeature.Lzcnt) != 0
                    ? &BitScanOperations.CountLeadingZeros
                    : &BitScanOperations.ScanInstead;
            default:
                return null;
        }
    }

    private static bool HasSegmentRegister(in Instruction instruction) =>
        instruction.Op0Kind == OpKind.Register && instruction.Op0Register.IsSegmentRegister();

    private static delegate* managed<CpuState*, Uop*, Outcome> FindMove(ref BindingContext context)
    {
        ref readonly Instruction instruction = ref context.Instruction;
        Register destination = instruction.Op0Kind == OpKind.Register ? instruction.Op0Register : Register.None;
        if (destination.IsSegmentRegister())
        {
            context.EndsBlock = true;
            return &SegmentOperations.Load;
        }

        if (destination.IsCR())
        {
            context.EndsBlock = true;
            return &ControlRegisterOperations.WriteControl;
        }

        if (destination.IsDR())
        {
            context.EndsBlock = true;
            return &DebugRegisterOperations.Write;
        }

        Register source = instruction.Op1Register;
        return source.IsCR() ? &ControlRegisterOperations.ReadControl
            : source.IsDR() ? &DebugRegisterOperations.Read
            : &SegmentOperations.Store;
    }

    private static delegate* managed<CpuState*, Uop*, Outcome> FindBranch(in Instruction instruction)
    {
        bool isCall = instruction.Mnemonic == Mnemonic.Call;
        if (instruction.Mnemonic == Mnemonic.Ret)
        {
            return &BranchOperations.Return;
        }

        bool isFarPointer = instruction.Op0Kind is OpKind.FarBranch16 or OpKind.FarBranch32;
        if (isFarPointer)
        {
            return isCall ? &FarOperations.CallDirect : &FarOperations.JumpDirect;
        }

        bool isNearImmediate =
            instruction.Op0Kind is OpKind.NearBranch16 or OpKind.NearBranch32 or OpKind.NearBranch64;
        if (isNearImmediate)
        {
            return isCall ? &BranchOperations.CallDirect : &BranchOperations.JumpDirect;
        }

        bool isFarIndirect = instruction.Code is Code.Jmp_m1616 or Code.Jmp_m1632 or Code.Jmp_m1664
            or Code.Call_m1616 or Code.Call_m1632 or Code.Call_m1664;
        if (isFarIndirect)
        {
            return isCall ? &FarOperations.CallIndirect : &FarOperations.JumpIndirect;
        }

        return isCall ? &BranchOperations.CallIndirect : &BranchOperations.JumpIndirect;
    }
}
