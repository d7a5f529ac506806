// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Hot;
using KvmActors.Cpu.Execute.Operands;

namespace KvmActors.Cpu.Execute.Binding;

// JUSTIFICATION: see Uop.
// SAFETY: see HotBinding.

/// <summary>Handlers for INC, DEC, NEG and NOT.</summary>
internal static unsafe class UnaryBinding<TMode>
    where TMode : struct, IDispatch
{
    public static bool TryBind(ref BindingContext context)
    {
        switch (context.Instruction.Mnemonic)
        {
            case Mnemonic.Inc:
                BindSize<IncrementOperation>(ref context);
                break;
            case Mnemonic.Dec:
                BindSize<DecrementOperation>(ref context);
                break;
            case Mnemonic.Neg:
                BindSize<NegateOperation>(ref context);
                break;
            default:
                BindSize<NotOperation>(ref context);
                break;
        }

        return true;
    }

    private static void BindSize<TOperation>(ref BindingContext context)
        where TOperation : struct, IUnaryOperation
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
        where TOperation : struct, IUnaryOperation
        where TSize : struct, IOperandSize
    {
        uop->Handler = uop->DestinationKind == OperandKind.Register
            ? &UnaryHandlers<TMode, TOperation, TSize>.Register
            : &UnaryHandlers<TMode, TOperation, TSize>.Memory;
    }
}
