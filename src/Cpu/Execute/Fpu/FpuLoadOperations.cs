// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Float;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Fpu;

// JUSTIFICATION: see CpuState.
// SAFETY: see FpuImage and FpuMemory.

/// <summary>What pushes a value: FLD, FILD, FBLD and the constants.</summary>
/// <remarks>Source: Intel SDM vol. 2, "FLD", "FILD", "FBLD", "FLD1/FLDL2T/…".</remarks>
internal static unsafe class FpuLoadOperations
{
    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Fld, &Load);
        table.Add(Mnemonic.Fild, &LoadInteger);
        table.Add(Mnemonic.Fbld, &LoadDecimal);
        table.Add(Mnemonic.Fld1, &LoadOne);
        table.Add(Mnemonic.Fldz, &LoadZero);
        table.Add(Mnemonic.Fldl2t, &LoadLog2Of10);
        table.Add(Mnemonic.Fldl2e, &LoadLog2OfE);
        table.Add(Mnemonic.Fldpi, &LoadPi);
        table.Add(Mnemonic.Fldlg2, &LoadLog10Of2);
        table.Add(Mnemonic.Fldln2, &LoadLnOf2);
    }

    private static Outcome Load(CpuState* state, Uop* uop)
    {
        if (!FpuStep.TryBegin(state, uop, out FpuStep step))
        {
            return Outcome.NotRetired;
        }

        if (uop->DestinationKind == OperandKind.Register)
        {
            return LoadRegister(ref step, uop->Destination);
        }

        if (FpuMemory.Bytes(uop) <= 8)
        {
            return LoadFloat(state, uop, ref step);
        }

        return FpuMemory.TryReadLong(state, uop, out ulong low, out ushort high)
            ? Push(ref step, new Float80(high, low))
            : Outcome.NotRetired;
    }

    private static Outcome LoadRegister(ref FpuStep step, int place)
    {
        bool isEmpty = step.IsEmpty(place);
        Float80 value = step.Read(place);
        if (isEmpty)
        {
            value = step.StackUnderflow();
        }
        else if (step.Overflows())
        {
            value = Float80.Indefinite;
        }

        return PushUnlessStopped(ref step, value);
    }

    private static Outcome LoadFloat(CpuState* state, Uop* uop, ref FpuStep step)
    {
        if (!FpuMemory.TryReadFloat(state, uop, out Float80 value, out bool isDenormal))
        {
            return Outcome.NotRetired;
        }

        if (step.Overflows())
        {
            return PushUnlessStopped(ref step, Float80.Indefinite);
        }

        step.Context.Raise(isDenormal ? FloatFlags.Denormal : value.IsSignalingNaN ? FloatFlags.Invalid : 0);
        return PushUnlessStopped(ref step, value.IsNaN ? value.Quieted() : value);
    }

    private static Outcome LoadInteger(CpuState* state, Uop* uop) =>
        FpuStep.TryBegin(state, uop, out FpuStep step) && FpuMemory.TryReadInteger(state, uop, out Float80 value)
            ? Push(ref step, value)
            : Outcome.NotRetired;

    private static Outcome LoadDecimal(CpuState* state, Uop* uop) =>
        FpuStep.TryBegin(state, uop, out FpuStep step)
        && FpuMemory.TryReadLong(state, uop, out ulong low, out ushort high)
            ? Push(ref step, Float80Conversion.FromDecimal(low, high))
            : Outcome.NotRetired;

    private static Outcome LoadOne(CpuState* state, Uop* uop) => LoadConstant(state, uop, FpuConstant.One);

    private static Outcome LoadZero(CpuState* state, Uop* uop) => LoadConstant(state, uop, FpuConstant.Zero);

    private static Outcome LoadLog2Of10(CpuState* state, Uop* uop) => LoadConstant(state, uop, FpuConstant.Log2Of10);

    private static Outcome LoadLog2OfE(CpuState* state, Uop* uop) => LoadConstant(state, uop, FpuConstant.Log2OfE);

    private static Outcome LoadPi(CpuState* state, Uop* uop) => LoadConstant(state, uop, FpuConstant.Pi);

    private static Outcome LoadLog10Of2(CpuState* state, Uop* uop) => LoadConstant(state, uop, FpuConstant.Log10Of2);

    private static Outcome LoadLnOf2(CpuState* state, Uop* uop) => LoadConstant(state, uop, FpuConstant.LnOf2);

    private static Outcome LoadConstant(CpuState* state, Uop* uop, FpuConstant constant) =>
        FpuStep.TryBegin(state, uop, out FpuStep step)
            ? Push(ref step, constant.Rounded(step.Context.Rounding))
            : Outcome.NotRetired;

    private static Outcome Push(ref FpuStep step, Float80 value) =>
        PushUnlessStopped(ref step, step.Overflows() ? Float80.Indefinite : value);

    private static Outcome PushUnlessStopped(ref FpuStep step, Float80 value)
    {
        // A denormal is loaded even where its exception is not masked.
        if ((step.Context.Flags & ~step.Context.Masked & FloatFlags.Invalid) == 0)
        {
            step.Push(value);
        }

        return step.Complete();
    }
}
