// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Float;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Fpu;

// JUSTIFICATION: see CpuState.
// SAFETY: see FpuImage and FpuMemory.

/// <summary>FCOM, FUCOM, FICOM, FCOMI, FUCOMI with their pops, FTST and FXAM.</summary>
/// <remarks>Source: Intel SDM vol. 2, of each instruction; vol. 1, section 8.3.6.</remarks>
internal static unsafe class FpuCompareOperations
{
    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Fcom, &Compare);
        table.Add(Mnemonic.Fcomp, &CompareAndPop);
        table.Add(Mnemonic.Fcompp, &CompareAndPopBoth);
        table.Add(Mnemonic.Ficom, &CompareInteger);
        table.Add(Mnemonic.Ficomp, &CompareIntegerAndPop);
        table.Add(Mnemonic.Fucom, &CompareQuietly);
        table.Add(Mnemonic.Fucomp, &CompareQuietlyAndPop);
        table.Add(Mnemonic.Fucompp, &CompareQuietlyAndPopBoth);
        table.Add(Mnemonic.Fcomi, &CompareToFlags);
        table.Add(Mnemonic.Fcomip, &CompareToFlagsAndPop);
        table.Add(Mnemonic.Fucomi, &CompareQuietlyToFlags);
        table.Add(Mnemonic.Fucomip, &CompareQuietlyToFlagsAndPop);
        table.Add(Mnemonic.Ftst, &Test);
        table.Add(Mnemonic.Fxam, &Examine);
    }

    private static Outcome Compare(CpuState* state, Uop* uop) => Compare(state, uop, pops: 0);

    private static Outcome CompareAndPop(CpuState* state, Uop* uop) => Compare(state, uop, pops: 1);

    private static Outcome CompareAndPopBoth(CpuState* state, Uop* uop) =>
        CompareRegisters(state, uop, place: 1, pops: 2, signalsQuiet: true);

    private static Outcome CompareQuietly(CpuState* state, Uop* uop) =>
        CompareRegisters(state, uop, uop->Source, pops: 0, signalsQuiet: false);

    private static Outcome CompareQuietlyAndPop(CpuState* state, Uop* uop) =>
        CompareRegisters(state, uop, uop->Source, pops: 1, signalsQuiet: false);

    private static Outcome CompareQuietlyAndPopBoth(CpuState* state, Uop* uop) =>
        CompareRegisters(state, uop, place: 1, pops: 2, signalsQuiet: false);

    private static Outcome CompareInteger(CpuState* state, Uop* uop) => CompareInteger(state, uop, pops: 0);

    private static Outcome CompareIntegerAndPop(CpuState* state, Uop* uop) => CompareInteger(state, uop, pops: 1);

    private static Outcome CompareToFlags(CpuState* state, Uop* uop) =>
        CompareToFlags(state, uop, pops: 0, signalsQuiet: true);

    private static Outcome CompareToFlagsAndPop(CpuState* state, Uop* uop) =>
        CompareToFlags(state, uop, pops: 1, signalsQuiet: true);

    private static Outcome CompareQuietlyToFlags(CpuState* state, Uop* uop) =>
        CompareToFlags(state, uop, pops: 0, signalsQuiet: false);

    private static Outcome CompareQuietlyToFlagsAndPop(CpuState* state, Uop* uop) =>
        CompareToFlags(state, uop, pops: 1, signalsQuiet: false);

    private static Outcome Compare(CpuState* state, Uop* uop, int pops)
    {
        if (uop->DestinationKind == OperandKind.Register)
        {
            return CompareRegisters(state, uop, uop->Source, pops, signalsQuiet: true);
        }

        return FpuStep.TryBegin(state, uop, out FpuStep step)
            && FpuMemory.TryReadFloat(state, uop, out Float80 value, out bool isDenormal)
                ? CompareMemory(ref step, value, isDenormal, pops)
                : Outcome.NotRetired;
    }

    private static Outcome CompareInteger(CpuState* state, Uop* uop, int pops) =>
        FpuStep.TryBegin(state, uop, out FpuStep step) && FpuMemory.TryReadInteger(state, uop, out Float80 value)
            ? CompareMemory(ref step, value, wasDenormal: false, pops)
            : Outcome.NotRetired;

    private static Outcome CompareMemory(ref FpuStep step, Float80 value, bool wasDenormal, int pops)
    {
        FloatOrder order = FloatOrder.Unordered;
        if (step.IsEmpty(0))
        {
            step.StackUnderflow();
        }
        else
        {
            order = Float80Arithmetic.Compare(
                step.Read(0), value, wasDenormal, signalsQuiet: true, ref step.Context);
        }

        return Finish(ref step, order, pops);
    }

    private static Outcome CompareRegisters(CpuState* state, Uop* uop, int place, int pops, bool signalsQuiet) =>
        FpuStep.TryBegin(state, uop, out FpuStep step)
            ? Finish(ref step, Order(ref step, place, signalsQuiet), pops)
            : Outcome.NotRetired;

    private static FloatOrder Order(ref FpuStep step, int place, bool signalsQuiet)
    {
        if (!step.IsEmpty(0) && !step.IsEmpty(place))
        {
            return Float80Arithmetic.Compare(
                step.Read(0), step.Read(place), wasDenormal: false, signalsQuiet, ref step.Context);
        }

        step.StackUnderflow();
        return FloatOrder.Unordered;
    }

    private static Outcome Finish(ref FpuStep step, FloatOrder order, int pops)
    {
        // The order is told even where the exception is not masked; the stack then stays as it is.
        step.SetConditions(order switch
        {
            FloatOrder.Less => FpuStatus.C0,
            FloatOrder.Equal => FpuStatus.C3,
            FloatOrder.Greater => 0,
            _ => FpuStatus.C0 | FpuStatus.C2 | FpuStatus.C3,
        });
        Pop(step, pops);
        return step.Complete();
    }

    private static void Pop(in FpuStep step, int pops)
    {
        for (int pop = 0; pop < pops && !step.Context.Stops; pop++)
        {
            step.Pop();
        }
    }

    private static Outcome CompareToFlags(CpuState* state, Uop* uop, int pops, bool signalsQuiet)
    {
        if (!FpuStep.TryBegin(state, uop, out FpuStep step))
        {
            return Outcome.NotRetired;
        }

        FloatOrder order = Order(ref step, uop->Source, signalsQuiet);
        LazyFlags.WriteStatus(state, order switch
        {
            FloatOrder.Less => RFlags.Carry,
            FloatOrder.Equal => RFlags.Zero,
            FloatOrder.Greater => 0,
            _ => RFlags.Carry | RFlags.Parity | RFlags.Zero,
        });
        Pop(step, pops);
        return step.CompleteKeepingC1();
    }

    private static Outcome Test(CpuState* state, Uop* uop)
    {
        if (!FpuStep.TryBegin(state, uop, out FpuStep step))
        {
            return Outcome.NotRetired;
        }

        return CompareMemory(ref step, Float80.Zero(isNegative: false), wasDenormal: false, pops: 0);
    }

    private static Outcome Examine(CpuState* state, Uop* uop)
    {
        if (!FpuStep.TryBegin(state, uop, out FpuStep step))
        {
            return Outcome.NotRetired;
        }

        Float80 value = step.Read(0);
        int conditions = step.IsEmpty(0) ? FpuStatus.C3 | FpuStatus.C0
            : value.IsUnsupported ? 0
            : value.IsNaN ? FpuStatus.C0
            : value.IsInfinite ? FpuStatus.C2 | FpuStatus.C0
            : value.IsZero ? FpuStatus.C3
            : value.IsDenormal ? FpuStatus.C3 | FpuStatus.C2
            : FpuStatus.C2;
        step.SetConditions(conditions);
        if (value.IsNegative)
        {
            step.SetC1();
        }

        return step.Complete();
    }
}
