// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;

namespace KvmActors.Cpu.Execute.Binding;

// JUSTIFICATION: see Uop.
// SAFETY: sets only the handler of the micro-operation in the context.

/// <summary>Gives the frequent instructions their own handlers.</summary>
internal static unsafe class HotBinding<TMode>
    where TMode : struct, IDispatch
{
    /// <summary>Sets the handler; false if the instruction is not one of the frequent ones, or in a rare
    /// form.</summary>
    public static bool TryBind(ref BindingContext context) => context.Instruction.Mnemonic switch
    {
        Mnemonic.Add or Mnemonic.Adc or Mnemonic.Sub or Mnemonic.Sbb or Mnemonic.Cmp
            or Mnemonic.And or Mnemonic.Or or Mnemonic.Xor or Mnemonic.Test =>
            BinaryBinding<TMode>.TryBind(ref context),
        Mnemonic.Mov or Mnemonic.Lea or Mnemonic.Movzx or Mnemonic.Movsx
            or Mnemonic.Movsxd => MoveBinding<TMode>.TryBind(ref context),
        Mnemonic.Inc or Mnemonic.Dec or Mnemonic.Neg or Mnemonic.Not => UnaryBinding<TMode>.TryBind(ref context),
        Mnemonic.Shl or Mnemonic.Sal or Mnemonic.Shr or Mnemonic.Sar or Mnemonic.Rol or Mnemonic.Ror or Mnemonic.Rcl
            or Mnemonic.Rcr => ShiftBinding<TMode>.TryBind(ref context),
        Mnemonic.Push or Mnemonic.Pop or Mnemonic.Call or Mnemonic.Ret
            or Mnemonic.Jmp => BranchBinding<TMode>.TryBind(ref context),
        _ => ConditionBinding<TMode>.TryBind(ref context),
    };
}
