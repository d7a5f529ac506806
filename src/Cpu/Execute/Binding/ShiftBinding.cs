// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Hot;
using KvmActors.Cpu.Execute.Operands;

namespace KvmActors.Cpu.Execute.Binding;

// JUSTIFICATION: see Uop.
// SAFETY: see HotBinding.

/// <summary>Handlers for shifts and rotates.</summary>
internal static unsafe class ShiftBinding<TMode>
    where TMode : struct, IDispatch
{
    public static bool TryBind(ref BindingContext context)
    {
        switch (context.Instruction.Mnemonic)
        {
            case Mnemonic.Shl or Mnemonic.Sal:
                BindSize<ShiftLeftOperation>(ref context);
                break;
            case Mnemonic.Shr:
                BindSize<ShiftRightOperation>(ref context);
                break;
            case Mnemonic.Sar:
                BindSize<ShiftArithmeticOperation>(ref context);
                break;
            case Mnemonic.Rol:
                BindSize<RotateLeftOperation>(ref context);
                break;
            case Mnemonic.Ror:
                BindSize<RotateRightOperation>(ref context);
                break;
            case Mnemonic.Rcl:
                BindSize<RotateCarryLeftOperation>(ref context);
                break;
            default:
                BindSize<RotateCarryRightOperation>(ref context);
                break;
        }

        return true;
    }

    private static void BindSize<TOperation>(ref BindingContext context)
        where TOperation : struct, IShiftOperation
    {
        switch (context.OperandBytes)
        {
            case 1:
                BindForm<TOperation, Operand8>(context.Uop);
                break;
            case 2:
                BindForm<TOperation, Operand16>(context.Uop);
                break;
            case 4:
                BindForm<TOperation, Operand32>(context.Uop);
                break;
            default:
                BindForm<TOperation, Operand64>(context.Uop);
                break;
        }
    }

    private static void BindForm<TOperation, TSize>(Uop* uop)
        where TOperation : struct, IShiftOperation
        where TSize : struct, IOperandSize
    {
        bool byCl = uop->SourceKind == OperandKind.Register;
        bool isRegister = uop->DestinationKind == OperandKind.Register;
        uop->Immediate &= TSize.Bytes == 8 ? 63ul : 31ul;
        uop->Handler = (isRegister, byCl) switch
        {
            (true, true) => &ShiftHandlers<TMode, TOperation, TSize>.RegisterByCl,
            (true, false) when uop->Immediate == 0 => &ShiftHandlers<TMode, TOperation, TSize>.RegisterByZero,
            (true, false) => &ShiftHandlers<TMode, TOperation, TSize>.RegisterImmediate,
            (false, true) => &ShiftHandlers<TMode, TOperation, TSize>.MemoryByCl,
            (false, false) => &ShiftHandlers<TMode, TOperation, TSize>.MemoryImmediate,
        };
    }
}
