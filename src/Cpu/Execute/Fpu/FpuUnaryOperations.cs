// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Float;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Fpu;

// JUSTIFICATION: see CpuState.
// SAFETY: see FpuImage.

/// <summary>FABS, FCHS, FSQRT, FRNDINT, FSCALE, FXTRACT, FPREM and FPREM1.</summary>
/// <remarks>Source: Intel SDM vol. 2, of each instruction.</remarks>
internal static unsafe class FpuUnaryOperations
{
    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Fabs, &Absolute);
        table.Add(Mnemonic.Fchs, &ChangeSign);
        table.Add(Mnemonic.Fsqrt, &SquareRoot);
        table.Add(Mnemonic.Frndint, &RoundToInteger);
        table.Add(Mnemonic.Fscale, &Scale);
        table.Add(Mnemonic.Fxtract, &Extract);
        table.Add(Mnemonic.Fprem, &Remainder);
        table.Add(Mnemonic.Fprem1, &NearestRemainder);
    }

    private static Outcome Absolute(CpuState* state, Uop* uop) =>
        Replace(state, uop, static (Float80 value, ref FloatContext _) => value.Magnitude());

    private static Outcome ChangeSign(CpuState* state, Uop* uop) =>
        Replace(state, uop, static (Float80 value, ref FloatContext _) => value.Negated());

    private static Outcome SquareRoot(CpuState* state, Uop* uop) =>
        Replace(state, uop, static (Float80 value, ref FloatContext context) =>
            Float80Arithmetic.SquareRoot(value, ref context));

    private static Outcome RoundToInteger(CpuState* state, Uop* uop) =>
        Replace(state, uop, static (Float80 value, ref FloatContext context) =>
            Float80Parts.RoundToInteger(value, ref context));

    private static Outcome Replace(CpuState* state, Uop* uop, Float80Function function)
    {
        if (!FpuStep.TryBegin(state, uop, out FpuStep step))
        {
            return Outcome.NotRetired;
        }

        Float80 result = step.IsEmpty(0) ? step.StackUnderflow() : function(step.Read(0), ref step.Context);
        if (!step.Context.Stops)
        {
            step.Write(0, result);
        }

        return step.Complete();
    }

    private static Outcome Scale(CpuState* state, Uop* uop)
    {
        if (!FpuStep.TryBegin(state, uop, out FpuStep step))
        {
            return Outcome.NotRetired;
        }

        Float80 result = step.IsEmpty(0) || step.IsEmpty(1)
            ? step.StackUnderflow()
            : Float80Parts.Scale(step.Read(0), step.Read(1), ref step.Context);
        if (!step.Context.Stops)
        {
            step.Write(0, result);
        }

        return step.Complete();
    }

    private static Outcome Extract(CpuState* state, Uop* uop)
    {
        if (!FpuStep.TryBegin(state, uop, out FpuStep step))
        {
            return Outcome.NotRetired;
        }

        Float80 exponent = Float80.Indefinite;
        Float80 significand = Float80.Indefinite;
        if (step.IsEmpty(0))
        {
            step.StackUnderflow();
        }
        else if (!step.Overflows())
        {
            (exponent, significand) = Float80Parts.Extract(step.Read(0), ref step.Context);
        }

        if (!step.Context.Stops)
        {
            step.Write(0, exponent);
            step.Push(significand);
        }

        return step.Complete();
    }

    private static Outcome Remainder(CpuState* state, Uop* uop) => Remainder(state, uop, isNearest: false);

    private static Outcome NearestRemainder(CpuState* state, Uop* uop) => Remainder(state, uop, isNearest: true);

    private static Outcome Remainder(CpuState* state, Uop* uop, bool isNearest)
    {
        if (!FpuStep.TryBegin(state, uop, out FpuStep step))
        {
            return Outcome.NotRetired;
        }

        Float80Remainder result = step.IsEmpty(0) || step.IsEmpty(1)
            ? Float80Remainder.Without(step.StackUnderflow())
            : Float80Remainder.Of(step.Read(0), step.Read(1), isNearest, ref step.Context);
        if (!step.Context.Stops)
        {
            step.Write(0, result.Value);
        }

        SetQuotient(ref step, result);
        return step.Complete();
    }

    private static void SetQuotient(ref FpuStep step, in Float80Remainder result)
    {
        if (step.Context.Stops || !result.HasQuotient)
        {
            step.ClearC2();
            return;
        }

        step.SetConditions(
            (result.IsPartial ? FpuStatus.C2 : 0)
            | ((result.Quotient & 4) != 0 ? FpuStatus.C0 : 0)
            | ((result.Quotient & 2) != 0 ? FpuStatus.C3 : 0));
        if ((result.Quotient & 1) != 0)
        {
            step.SetC1();
        }
    }
}
