// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Hot;
using KvmActors.Cpu.Execute.Operands;

namespace KvmActors.Cpu.Execute.Binding;

// JUSTIFICATION: see Uop.
// SAFETY: see HotBinding.

/// <summary>Handlers for the two-operand arithmetic.</summary>
internal static unsafe class BinaryBinding<TMode>
    where TMode : struct, IDispatch
{
    public static bool TryBind(ref BindingContext context)
    {
        switch (context.Instruction.Mnemonic)
        {
            case Mnemonic.Add:
                BindSize<AddOperation>(ref context);
                break;
            case Mnemonic.Adc:
                BindSize<AdcOperation>(ref context);
                break;
            case Mnemonic.Sub:
                BindSize<SubOperation>(ref context);
                break;
            case Mnemonic.Sbb:
                BindSize<SbbOperation>(ref context);
                break;
            case Mnemonic.Cmp:
                BindSize<CompareOperation>(ref context);
                break;
            case Mnemonic.And:
                BindSize<AndOperation>(ref context);
                break;
            case Mnemonic.Or:
                BindSize<OrOperation>(ref context);
                break;
            case Mnemonic.Xor:
                BindSize<XorOperation>(ref context);
                break;
            default:
                BindSize<TestOperation>(ref context);
                break;
        }

        return true;
    }

    private static void BindSize<TOperation>(ref BindingContext context)
        where TOperation : struct, IBinaryOperation
    {
        switch (context.OperandBytes)
        {
            case 1:
                BindForm<TOperation, Operand8>(ref context);
                break;
            case 2:
                BindForm<TOperation, Operand16>(ref context);
                break;
            case 4:
                BindForm<TOperation, Operand32>(ref context);
                break;
            default:
                BindForm<TOperation, Operand64>(ref context);
                break;
        }
    }

    private static void BindForm<TOperation, TSize>(ref BindingContext context)
        where TOperation : struct, IBinaryOperation
        where TSize : struct, IOperandSize
    {
        Uop* uop = context.Uop;
        if (uop->SourceKind == OperandKind.Immediate)
        {
            // As a register of this size is read: carries are those of sign-extended operands.
            uop->Immediate = (ulong)GeneralOperand.Extend(uop->Immediate, 8 * TSize.Bytes);
        }

        uop->Handler = (uop->DestinationKind, uop->SourceKind) switch
        {
            (OperandKind.Register, OperandKind.Register) =>
                &BinaryHandlers<TMode, TOperation, TSize>.RegisterRegister,
            (OperandKind.Register, OperandKind.Memory) => &BinaryHandlers<TMode, TOperation, TSize>.RegisterMemory,
            (OperandKind.Register, _) => &BinaryHandlers<TMode, TOperation, TSize>.RegisterImmediate,
            (_, OperandKind.Register) => &BinaryHandlers<TMode, TOperation, TSize>.MemoryRegister,
            _ => &BinaryHandlers<TMode, TOperation, TSize>.MemoryImmediate,
        };
    }
}
