// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Hot;
using KvmActors.Cpu.Execute.Operands;

namespace KvmActors.Cpu.Execute.Binding;

// JUSTIFICATION: see Uop.
// SAFETY: see HotBinding.

/// <summary>Handlers for MOV between registers, memory and immediates, LEA, and the extending moves.</summary>
internal static unsafe class MoveBinding<TMode>
    where TMode : struct, IDispatch
{
    public static bool TryBind(ref BindingContext context)
    {
        switch (context.Instruction.Mnemonic)
        {
            case Mnemonic.Mov when UsesOnlyGeneralRegisters(context.Instruction):
                BindMove(ref context);
                return true;
            case Mnemonic.Lea:
                BindLea(ref context);
                return true;
            case Mnemonic.Movzx:
                BindExtend(ref context, isSigned: false);
                return true;
            case Mnemonic.Movsx or Mnemonic.Movsxd:
                BindExtend(ref context, isSigned: true);
                return true;
            default:
                return false;
        }
    }

    /// <summary>False for moves to and from segment, control and debug registers.</summary>
    private static bool UsesOnlyGeneralRegisters(in Instruction instruction) =>
        (instruction.Op0Kind != OpKind.Register || instruction.Op0Register.IsGPR())
        && (instruction.Op1Kind != OpKind.Register || instruction.Op1Register.IsGPR());

    private static void BindMove(ref BindingContext context)
    {
        switch (context.OperandBytes)
        {
            case 1:
                BindMove<Operand8>(context.Uop);
                break;
            case 2:
                BindMove<Operand16>(context.Uop);
                break;
            case 4:
                BindMove<Operand32>(context.Uop);
                break;
            default:
                BindMove<Operand64>(context.Uop);
                break;
        }
    }

    private static void BindMove<TSize>(Uop* uop)
        where TSize : struct, IOperandSize
    {
        uop->Handler = (uop->DestinationKind, uop->SourceKind) switch
        {
            (OperandKind.Register, OperandKind.Register) => &MoveHandlers<TMode, TSize>.RegisterRegister,
            (OperandKind.Register, OperandKind.Memory) => &MoveHandlers<TMode, TSize>.Load,
            (OperandKind.Register, _) => &MoveHandlers<TMode, TSize>.RegisterImmediate,
            (_, OperandKind.Register) => &MoveHandlers<TMode, TSize>.Store,
            _ => &MoveHandlers<TMode, TSize>.StoreImmediate,
        };
    }

    private static void BindLea(ref BindingContext context)
    {
        Uop* uop = context.Uop;
        uop->Handler = (context.OperandBytes, uop->AddressBits) switch
        {
            (2, 64) => &MoveHandlers<TMode, Operand16>.LoadEffectiveAddress64,
            (4, 64) => &MoveHandlers<TMode, Operand32>.LoadEffectiveAddress64,
            (8, 64) => &MoveHandlers<TMode, Operand64>.LoadEffectiveAddress64,
            (2, _) => &MoveHandlers<TMode, Operand16>.LoadEffectiveAddress,
            (4, _) => &MoveHandlers<TMode, Operand32>.LoadEffectiveAddress,
            _ => &MoveHandlers<TMode, Operand64>.LoadEffectiveAddress,
        };
    }

    private static void BindExtend(ref BindingContext context, bool isSigned)
    {
        int fromBytes = context.Uop->SourceKind == OperandKind.Register
            ? context.Instruction.Op1Register.GetSize()
            : context.Instruction.MemorySize.GetSize();
        switch (context.OperandBytes)
        {
            case 2:
                BindExtend<Operand16>(context.Uop, fromBytes, isSigned);
                break;
            case 4:
                BindExtend<Operand32>(context.Uop, fromBytes, isSigned);
                break;
            default:
                BindExtend<Operand64>(context.Uop, fromBytes, isSigned);
                break;
        }
    }

    private static void BindExtend<TTo>(Uop* uop, int fromBytes, bool isSigned)
        where TTo : struct, IOperandSize
    {
        switch (fromBytes)
        {
            case 1:
                BindExtend<TTo, Operand8>(uop, isSigned);
                break;
            case 2:
                BindExtend<TTo, Operand16>(uop, isSigned);
                break;
            default:
                BindExtend<TTo, Operand32>(uop, isSigned);
                break;
        }
    }

    private static void BindExtend<TTo, TFrom>(Uop* uop, bool isSigned)
        where TTo : struct, IOperandSize
        where TFrom : struct, IOperandSize
    {
        uop->Handler = (uop->SourceKind, isSigned) switch
        {
            (OperandKind.Register, false) => &ExtendHandlers<TMode, TTo, TFrom>.ZeroFromRegister,
            (OperandKind.Register, true) => &ExtendHandlers<TMode, TTo, TFrom>.SignFromRegister,
            (_, false) => &ExtendHandlers<TMode, TTo, TFrom>.ZeroFromMemory,
            _ => &ExtendHandlers<TMode, TTo, TFrom>.SignFromMemory,
        };
    }
}
