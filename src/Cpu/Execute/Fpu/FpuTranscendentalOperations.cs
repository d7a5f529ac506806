// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Float;
using KvmActors.Cpu.Float.Transcendental;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Fpu;

// JUSTIFICATION: see CpuState.
// SAFETY: see FpuImage.

/// <summary>FSIN, FCOS, FSINCOS, FPTAN, FPATAN, F2XM1, FYL2X, FYL2XP1.</summary>
/// <remarks>What they compute is our own definition: see <see cref="Float80Functions"/>. Source: Intel SDM vol. 2, of
/// each instruction; vol. 1, sections 8.3.7 to 8.3.9.</remarks>
internal static unsafe class FpuTranscendentalOperations
{
    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Fsin, &Sine);
        table.Add(Mnemonic.Fcos, &Cosine);
        table.Add(Mnemonic.Fsincos, &SineAndCosine);
        table.Add(Mnemonic.Fptan, &Tangent);
        table.Add(Mnemonic.F2xm1, &PowerMinusOne);
        table.Add(Mnemonic.Fpatan, &Angle);
        table.Add(Mnemonic.Fyl2x, &Logarithm);
        table.Add(Mnemonic.Fyl2xp1, &LogarithmOfOnePlus);
    }

    private static Outcome Sine(CpuState* state, Uop* uop) => OfAngle(state, uop, Float80Functions.Sine);

    private static Outcome Cosine(CpuState* state, Uop* uop) => OfAngle(state, uop, Float80Functions.Cosine);

    private static Outcome SineAndCosine(CpuState* state, Uop* uop) => AndPush(
        state, uop, Float80Functions.Sine, Float80Functions.Cosine);

    private static Outcome Tangent(CpuState* state, Uop* uop) => AndPush(
        state, uop, Float80Functions.Tangent, static (Float80 value, ref FloatContext _) =>
            value.IsNaN || value.IsUnsupported || value.IsInfinite ? value.Quieted() : Float80.One);

    private static Outcome PowerMinusOne(CpuState* state, Uop* uop)
    {
        if (!FpuStep.TryBegin(state, uop, out FpuStep step))
        {
            return Outcome.NotRetired;
        }

        Float80 result = step.IsEmpty(0)
            ? step.StackUnderflow()
            : Float80Functions.PowerMinusOne(step.Read(0), ref step.Context);
        if (!step.Context.Stops)
        {
            step.Write(0, result);
        }

        return step.Complete();
    }

    private static Outcome Angle(CpuState* state, Uop* uop) => OfTwo(state, uop, Float80Functions.Angle);

    private static Outcome Logarithm(CpuState* state, Uop* uop) => OfTwo(state, uop, Float80Functions.Logarithmic);

    private static Outcome LogarithmOfOnePlus(CpuState* state, Uop* uop) =>
        OfTwo(state, uop, Float80Functions.LogarithmicOfOnePlus);

    private static Outcome OfAngle(CpuState* state, Uop* uop, Float80Function function)
    {
        if (!FpuStep.TryBegin(state, uop, out FpuStep step))
        {
            return Outcome.NotRetired;
        }

        if (!step.IsEmpty(0) && Float80Functions.IsOutOfRange(step.Read(0)))
        {
            return OutOfRange(ref step);
        }

        Float80 result = step.IsEmpty(0) ? step.StackUnderflow() : function(step.Read(0), ref step.Context);
        step.ClearC2();
        if (!step.Context.Stops)
        {
            step.Write(0, result);
        }

        return step.Complete();
    }

    /// <summary>The first result replaces the operand, the second is pushed.</summary>
    private static Outcome AndPush(CpuState* state, Uop* uop, Float80Function first, Float80Function second)
    {
        if (!FpuStep.TryBegin(state, uop, out FpuStep step))
        {
            return Outcome.NotRetired;
        }

        if (!step.IsEmpty(0) && step.IsEmpty(-1) && Float80Functions.IsOutOfRange(step.Read(0)))
        {
            return OutOfRange(ref step);
        }

        step.ClearC2();
        Float80 replaced = Float80.Indefinite;
        Float80 pushed = Float80.Indefinite;
        if (step.IsEmpty(0))
        {
            step.StackUnderflow();
        }
        else if (!step.Overflows())
        {
            Float80 operand = step.Read(0);
            pushed = second(operand, ref step.Context);
            replaced = first(operand, ref step.Context);
            pushed = (step.Context.Flags & FloatFlags.Invalid) != 0 ? replaced : pushed;
        }

        if (!step.Context.Stops)
        {
            step.Write(0, replaced);
            step.Push(pushed);
        }

        return step.Complete();
    }

    private static Outcome OutOfRange(ref FpuStep step)
    {
        step.SetC2();
        return step.Complete();
    }

    /// <summary>A result of places 1 and 0, which goes to place 1; then a pop.</summary>
    private static Outcome OfTwo(CpuState* state, Uop* uop, Float80BinaryFunction function)
    {
        if (!FpuStep.TryBegin(state, uop, out FpuStep step))
        {
            return Outcome.NotRetired;
        }

        Float80 result = step.IsEmpty(0) || step.IsEmpty(1)
            ? step.StackUnderflow()
            : function(step.Read(1), step.Read(0), ref step.Context);
        if (!step.Context.Stops)
        {
            step.Write(1, result);
            step.Pop();
        }

        return step.Complete();
    }
}
