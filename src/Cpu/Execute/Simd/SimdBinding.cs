// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Binding;
using KvmActors.Cpu.Execute.Operations;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Simd;

// JUSTIFICATION: see SimdRule.
// SAFETY: gives pointers to static methods only.

/// <summary>Finds form and kernel of an MMX or SSE instruction, by its code: MOVSD and CMPSD are string instructions
/// too.
/// </summary>
internal static unsafe class SimdBinding
{
    /// <summary>The form, with the rest of the micro-operation filled in; or null if it is another instruction.
    /// </summary>
    public static delegate* managed<CpuState*, Uop*, Outcome> Find(ref BindingContext context)
    {
        ref readonly SimdRule rule = ref SimdInstructions.Table[context.Instruction.Code];
        if (rule.Form == null)
        {
            return null;
        }

        if ((context.Features & rule.Requires) != rule.Requires)
        {
            context.EndsBlock = true;
            return &UndefinedOperations.Undefined;
        }

        Uop* uop = context.Uop;
        uop->Detail = (byte)uop->Immediate;
        uop->SizeLog = rule.SizeLog;
        uop->Flags = rule.IsAligned ? UopFlags.Aligned : UopFlags.None;
        bool hasMemory = uop->DestinationKind == OperandKind.Memory || uop->SourceKind == OperandKind.Memory;
        uop->Immediate = (ulong)(hasMemory ? rule.MemoryKernel : rule.Kernel);
        return hasMemory ? rule.MemoryForm : rule.Form;
    }
}
