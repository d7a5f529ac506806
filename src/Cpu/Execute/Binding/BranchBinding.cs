// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Hot;
using KvmActors.Cpu.Memory;

namespace KvmActors.Cpu.Execute.Binding;

// JUSTIFICATION: see Uop.
// SAFETY: see HotBinding.

/// <summary>Handlers for the 64-bit forms of PUSH, POP, CALL, RET and JMP; other modes and sizes take the general way.
/// </summary>
internal static unsafe class BranchBinding<TMode>
    where TMode : struct, IDispatch
{
    public static bool TryBind(ref BindingContext context)
    {
        switch (context.Instruction.Code)
        {
            case Code.Push_r64:
                // The one operand is the source here.
                context.Uop->Source = context.Uop->Destination;
                context.Uop->Handler = &StackHandlers<TMode>.PushRegister;
                return true;
            case Code.Pushq_imm8 or Code.Pushq_imm32:
                context.Uop->Handler = &StackHandlers<TMode>.PushImmediate;
                return true;
            case Code.Pop_r64:
                context.Uop->Handler = &StackHandlers<TMode>.PopRegister;
                return true;
            case Code.Call_rel32_64 or Code.Jmp_rel8_64 or Code.Jmp_rel32_64:
                return TryBindDirect(ref context);
            case Code.Retnq or Code.Retnq_imm16:
                return Bind(ref context, &StackHandlers<TMode>.Return);
            case Code.Call_rm64:
                return context.DestinationIsRegister
                    ? Bind(ref context, &StackHandlers<TMode>.CallRegister)
                    : Bind(ref context, &StackHandlers<TMode>.CallMemory);
            case Code.Jmp_rm64:
                return context.DestinationIsRegister
                    ? Bind(ref context, &StackHandlers<TMode>.JumpRegister)
                    : Bind(ref context, &StackHandlers<TMode>.JumpMemory);
            default:
                return false;
        }
    }

    private static bool TryBindDirect(ref BindingContext context)
    {
        bool isCall = context.Instruction.Mnemonic == Mnemonic.Call;
        ulong target = context.Uop->Immediate;
        if (!LinearMemory.IsCanonical(target))
        {
            return false;
        }

        if (context.IsInSamePage(target))
        {
            return isCall
                ? Bind(ref context, &StackHandlers<TMode>.CallNear)
                : Bind(ref context, &StackHandlers<TMode>.JumpNear);
        }

        return isCall
            ? Bind(ref context, &StackHandlers<TMode>.CallFar)
            : Bind(ref context, &StackHandlers<TMode>.JumpFar);
    }

    private static bool Bind(
        ref BindingContext context, delegate* managed<State.CpuState*, Uop*, Uop*> handler)
    {
        context.Uop->Handler = handler;
        context.EndsBlock = true;
        return true;
    }
}
