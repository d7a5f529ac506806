// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Hot;
using KvmActors.Cpu.Execute.Operations;
using KvmActors.Cpu.Execute.Simd;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Binding;

// JUSTIFICATION: see Uop.
// SAFETY: see HotBinding.

/// <summary>From a decoded instruction to a micro-operation that is ready to run.</summary>
internal static unsafe class InstructionBinding<TMode>
    where TMode : struct, IDispatch
{
    public static void Bind(ref BindingContext context)
    {
        if (context.Instruction.IsInvalid)
        {
            bool isTooLong = context.Instruction.Length >= BlockBuilder.InstructionBytesMax;
            context.Uop->Length = (byte)context.Instruction.Length;
            BindGeneral(ref context, isTooLong ? &UndefinedOperations.TooLong : &UndefinedOperations.Undefined);
            context.EndsBlock = true;
            return;
        }

        OperandResolver.Resolve(context.Instruction, context.Mode, context.Uop);
        delegate* managed<CpuState*, Uop*, Outcome> vector = SimdBinding.Find(ref context);
        if (vector != null)
        {
            BindGeneral(ref context, vector);
            return;
        }

        if (HotBinding<TMode>.TryBind(ref context))
        {
            return;
        }

        delegate* managed<CpuState*, Uop*, Outcome> special = GeneralBinding.Find(ref context);
        if (special != null)
        {
            BindGeneral(ref context, special);
            return;
        }

        BindByMnemonic(ref context);
    }

    private static void BindByMnemonic(ref BindingContext context)
    {
        InstructionRule rule = GeneralInstructions.Table[context.Instruction.Mnemonic];
        if (!rule.IsKnown)
        {
            BindGeneral(ref context, UnknownInstructions.Find(ref context));
            context.EndsBlock = true;
            return;
        }

        bool isMissing = (context.Features & rule.Requires) != rule.Requires;
        BindGeneral(ref context, isMissing ? &UndefinedOperations.Undefined : rule.Operation);
        const UopFlags Repeats = UopFlags.Repeat | UopFlags.RepeatWhileNotEqual;
        bool repeats = (context.Uop->Flags & Repeats) != 0;
        context.EndsBlock |= rule.EndsBlock || isMissing || repeats;
    }

    private static void BindGeneral(
        ref BindingContext context, delegate* managed<CpuState*, Uop*, Outcome> operation)
    {
        context.Uop->Operation = operation;
        context.Uop->Handler = &GeneralHandlers<TMode>.Execute;
    }
}
