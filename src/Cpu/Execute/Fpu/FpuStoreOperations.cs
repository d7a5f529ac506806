// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.Float;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Fpu;

// JUSTIFICATION: see CpuState.
// SAFETY: see FpuImage and FpuMemory.

/// <summary>FST, FSTP, FIST, FISTP, FISTTP and FBSTP.</summary>
/// <remarks>With an unmasked invalid, overflow or underflow nothing is stored and nothing popped; an unmasked inexact
/// result is. Source: Intel SDM vol. 2, of each instruction; vol. 1, section 8.5.</remarks>
internal static unsafe class FpuStoreOperations
{
    private const FloatFlags Prevents = FloatFlags.Invalid | FloatFlags.Overflow | FloatFlags.Underflow;

    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Fst, &Store);
        table.Add(Mnemonic.Fstp, &StoreAndPop);
        table.Add(Mnemonic.Fstpnce, &StoreQuietlyAndPop);
        table.Add(Mnemonic.Fist, &StoreInteger);
        table.Add(Mnemonic.Fistp, &StoreIntegerAndPop);
        table.Add(Mnemonic.Fisttp, &StoreCutAndPop, GuestFeature.Sse3);
        table.Add(Mnemonic.Fbstp, &StoreDecimal);
    }

    private static Outcome Store(CpuState* state, Uop* uop) => Store(state, uop, pops: false);

    private static Outcome StoreAndPop(CpuState* state, Uop* uop) => Store(state, uop, pops: true);

    /// <summary>FSTPNCE: FSTP to a register that takes an empty one without a word, and then stores nothing.</summary>
    private static Outcome StoreQuietlyAndPop(CpuState* state, Uop* uop)
    {
        if (!FpuStep.TryBegin(state, uop, out FpuStep step))
        {
            return Outcome.NotRetired;
        }

        if (!step.IsEmpty(0))
        {
            step.Write(uop->Destination, step.Read(0));
        }

        return Finish(ref step, pops: true);
    }

    private static Outcome StoreInteger(CpuState* state, Uop* uop) => StoreInteger(state, uop, pops: false);

    private static Outcome StoreIntegerAndPop(CpuState* state, Uop* uop) => StoreInteger(state, uop, pops: true);

    private static Outcome StoreCutAndPop(CpuState* state, Uop* uop) =>
        FpuStep.TryBegin(state, uop, out FpuStep step)
            ? StoreInteger(state, uop, ref step, FloatRounding.Zero, pops: true)
            : Outcome.NotRetired;

    private static Outcome Store(CpuState* state, Uop* uop, bool pops)
    {
        if (!FpuStep.TryBegin(state, uop, out FpuStep step))
        {
            return Outcome.NotRetired;
        }

        if (uop->DestinationKind == OperandKind.Register)
        {
            return StoreRegister(ref step, uop->Destination, pops);
        }

        Float80 value = step.IsEmpty(0) ? step.StackUnderflow() : step.Read(0);
        if (FpuMemory.Bytes(uop) > 8)
        {
            return step.Context.Stops || FpuMemory.TryWriteLong(state, uop, value.Significand, value.Top)
                ? Finish(ref step, pops)
                : Outcome.NotRetired;
        }

        ulong bits = FpuMemory.Bytes(uop) == 4
            ? Float80Conversion.To<SingleFormat>(value, ref step.Context)
            : Float80Conversion.To<DoubleFormat>(value, ref step.Context);
        return StoreBits(state, uop, ref step, bits, pops);
    }

    private static Outcome StoreRegister(ref FpuStep step, int place, bool pops)
    {
        Float80 value = step.IsEmpty(0) ? step.StackUnderflow() : step.Read(0);
        if (!step.Context.Stops)
        {
            step.Write(place, value);
        }

        return Finish(ref step, pops);
    }

    private static Outcome StoreInteger(CpuState* state, Uop* uop, bool pops) =>
        FpuStep.TryBegin(state, uop, out FpuStep step)
            ? StoreInteger(state, uop, ref step, step.Context.Rounding, pops)
            : Outcome.NotRetired;

    private static Outcome StoreInteger(
        CpuState* state, Uop* uop, ref FpuStep step, FloatRounding rounding, bool pops)
    {
        step.Context.Rounding = rounding;
        Float80 value = step.IsEmpty(0) ? step.StackUnderflow() : step.Read(0);
        long integer = Float80Conversion.ToInteger(value, GeneralOperand.Bits(uop), ref step.Context);
        return StoreBits(state, uop, ref step, (ulong)integer, pops);
    }

    private static Outcome StoreDecimal(CpuState* state, Uop* uop)
    {
        if (!FpuStep.TryBegin(state, uop, out FpuStep step))
        {
            return Outcome.NotRetired;
        }

        Float80 value = step.IsEmpty(0) ? step.StackUnderflow() : step.Read(0);
        (ulong low, ushort high) = Float80Conversion.ToDecimal(value, ref step.Context);
        return IsPrevented(step) || FpuMemory.TryWriteLong(state, uop, low, high)
            ? Finish(ref step, pops: true)
            : Outcome.NotRetired;
    }

    private static Outcome StoreBits(CpuState* state, Uop* uop, ref FpuStep step, ulong bits, bool pops) =>
        IsPrevented(step) || MemoryReference.Write(state, uop, FpuMemory.Bytes(uop), bits)
            ? Finish(ref step, pops)
            : Outcome.NotRetired;

    private static Outcome Finish(ref FpuStep step, bool pops)
    {
        if (IsPrevented(step))
        {
            // Nothing was rounded.
            step.Context.Flags &= ~FloatFlags.Inexact;
            step.Context.RoundedUp = false;
        }
        else if (pops)
        {
            step.Pop();
        }

        return step.Complete();
    }

    private static bool IsPrevented(in FpuStep step) =>
        (step.Context.Flags & ~step.Context.Masked & Prevents) != 0;
}
