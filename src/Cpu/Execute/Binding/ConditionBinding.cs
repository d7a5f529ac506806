// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Hot;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.Execute.Operations;
using KvmActors.Cpu.Memory;

namespace KvmActors.Cpu.Execute.Binding;

// JUSTIFICATION: see Uop.
// SAFETY: see HotBinding.

/// <summary>Handlers for Jcc, SETcc and CMOVcc.</summary>
internal static unsafe class ConditionBinding<TMode>
    where TMode : struct, IDispatch
{
    public static bool TryBind(ref BindingContext context)
    {
        switch (context.Instruction.ConditionCode)
        {
            case ConditionCode.o:
                return TryBind<IfOverflow>(ref context);
            case ConditionCode.no:
                return TryBind<IfNotOverflow>(ref context);
            case ConditionCode.b:
                return TryBind<IfCarry>(ref context);
            case ConditionCode.ae:
                return TryBind<IfNotCarry>(ref context);
            case ConditionCode.e:
                return TryBind<IfZero>(ref context);
            case ConditionCode.ne:
                return TryBind<IfNotZero>(ref context);
            case ConditionCode.be:
                return TryBind<IfBelowOrEqual>(ref context);
            case ConditionCode.a:
                return TryBind<IfAbove>(ref context);
            case ConditionCode.s:
                return TryBind<IfSign>(ref context);
            case ConditionCode.ns:
                return TryBind<IfNotSign>(ref context);
            case ConditionCode.p:
                return TryBind<IfParity>(ref context);
            case ConditionCode.np:
                return TryBind<IfNotParity>(ref context);
            case ConditionCode.l:
                return TryBind<IfLess>(ref context);
            case ConditionCode.ge:
                return TryBind<IfNotLess>(ref context);
            case ConditionCode.le:
                return TryBind<IfLessOrEqual>(ref context);
            case ConditionCode.g:
                return TryBind<IfGreater>(ref context);
            default:
                return false;
        }
    }

    private static bool TryBind<TCondition>(ref BindingContext context)
        where TCondition : struct, ICondition
    {
        if (context.Instruction.Code.IsJccShortOrNear())
        {
            return TryBindJump<TCondition>(ref context);
        }

        if (context.Instruction.Code is >= Code.Seto_rm8 and <= Code.Setg_rm8)
        {
            context.Uop->Handler = context.DestinationIsRegister
                ? &ConditionalHandlers<TMode, TCondition>.SetRegister
                : &ConditionalHandlers<TMode, TCondition>.SetMemory;
            return true;
        }

        return context.Instruction.Code is >= Code.Cmovo_r16_rm16 and <= Code.Cmovg_r64_rm64
            && BindMove<TCondition>(ref context);
    }

    private static bool TryBindJump<TCondition>(ref BindingContext context)
        where TCondition : struct, ICondition
    {
        ulong target = context.Uop->Immediate;
        ulong next = context.Instruction.NextIP;
        context.EndsBlock = true;
        if (!context.Is64)
        {
            context.Uop->Handler = &ConditionalHandlers<TMode, TCondition>.JumpSegmented;
            return true;
        }

        if (!LinearMemory.IsCanonical(target))
        {
            context.Uop->Handler = &GeneralHandlers<TMode>.Execute;
            context.Uop->Operation = &BranchOperations.JumpConditional<TCondition>;
            return true;
        }

        context.Uop->Handler = context.IsInSamePage(target) && context.IsInSamePage(next)
            ? &ConditionalHandlers<TMode, TCondition>.JumpNear
            : &ConditionalHandlers<TMode, TCondition>.JumpFar;
        return true;
    }

    private static bool BindMove<TCondition>(ref BindingContext context)
        where TCondition : struct, ICondition
    {
        Uop* uop = context.Uop;
        bool fromRegister = uop->SourceKind == OperandKind.Register;
        uop->Handler = (context.OperandBytes, fromRegister) switch
        {
            (2, true) => &ConditionalHandlers<TMode, TCondition>.MoveRegister<Operand16>,
            (4, true) => &ConditionalHandlers<TMode, TCondition>.MoveRegister<Operand32>,
            (_, true) => &ConditionalHandlers<TMode, TCondition>.MoveRegister<Operand64>,
            (2, false) => &ConditionalHandlers<TMode, TCondition>.MoveMemory<Operand16>,
            (4, false) => &ConditionalHandlers<TMode, TCondition>.MoveMemory<Operand32>,
            (_, false) => &ConditionalHandlers<TMode, TCondition>.MoveMemory<Operand64>,
        };
        return true;
    }
}
