// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Float;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Fpu;

// JUSTIFICATION: see CpuState.
// SAFETY: see FpuImage and FpuMemory.

/// <summary>FADD, FSUB, FSUBR, FMUL, FDIV, FDIVR with memory, with registers, with integers and with a pop.</summary>
/// <remarks>Source: Intel SDM vol. 2, of each instruction.</remarks>
internal static unsafe class FpuArithmeticOperations
{
    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Fadd, &Add);
        table.Add(Mnemonic.Fiadd, &AddInteger);
        table.Add(Mnemonic.Faddp, &AddAndPop);
        table.Add(Mnemonic.Fsub, &Subtract);
        table.Add(Mnemonic.Fisub, &SubtractInteger);
        table.Add(Mnemonic.Fsubp, &SubtractAndPop);
        table.Add(Mnemonic.Fsubr, &SubtractReversed);
        table.Add(Mnemonic.Fisubr, &SubtractReversedInteger);
        table.Add(Mnemonic.Fsubrp, &SubtractReversedAndPop);
        table.Add(Mnemonic.Fmul, &Multiply);
        table.Add(Mnemonic.Fimul, &MultiplyInteger);
        table.Add(Mnemonic.Fmulp, &MultiplyAndPop);
        table.Add(Mnemonic.Fdiv, &Divide);
        table.Add(Mnemonic.Fidiv, &DivideInteger);
        table.Add(Mnemonic.Fdivp, &DivideAndPop);
        table.Add(Mnemonic.Fdivr, &DivideReversed);
        table.Add(Mnemonic.Fidivr, &DivideReversedInteger);
        table.Add(Mnemonic.Fdivrp, &DivideReversedAndPop);
    }

    private enum Kind
    {
        Add,
        Subtract,
        SubtractReversed,
        Multiply,
        Divide,
        DivideReversed,
    }

    private static Outcome Add(CpuState* state, Uop* uop) => Execute(state, uop, Kind.Add);

    private static Outcome AddInteger(CpuState* state, Uop* uop) => ExecuteInteger(state, uop, Kind.Add);

    private static Outcome AddAndPop(CpuState* state, Uop* uop) => ExecuteRegisters(state, uop, Kind.Add, pops: true);

    private static Outcome Subtract(CpuState* state, Uop* uop) => Execute(state, uop, Kind.Subtract);

    private static Outcome SubtractInteger(CpuState* state, Uop* uop) => ExecuteInteger(state, uop, Kind.Subtract);

    private static Outcome SubtractAndPop(CpuState* state, Uop* uop) =>
        ExecuteRegisters(state, uop, Kind.Subtract, pops: true);

    private static Outcome SubtractReversed(CpuState* state, Uop* uop) => Execute(state, uop, Kind.SubtractReversed);

    private static Outcome SubtractReversedInteger(CpuState* state, Uop* uop) =>
        ExecuteInteger(state, uop, Kind.SubtractReversed);

    private static Outcome SubtractReversedAndPop(CpuState* state, Uop* uop) =>
        ExecuteRegisters(state, uop, Kind.SubtractReversed, pops: true);

    private static Outcome Multiply(CpuState* state, Uop* uop) => Execute(state, uop, Kind.Multiply);

    private static Outcome MultiplyInteger(CpuState* state, Uop* uop) => ExecuteInteger(state, uop, Kind.Multiply);

    private static Outcome MultiplyAndPop(CpuState* state, Uop* uop) =>
        ExecuteRegisters(state, uop, Kind.Multiply, pops: true);

    private static Outcome Divide(CpuState* state, Uop* uop) => Execute(state, uop, Kind.Divide);

    private static Outcome DivideInteger(CpuState* state, Uop* uop) => ExecuteInteger(state, uop, Kind.Divide);

    private static Outcome DivideAndPop(CpuState* state, Uop* uop) =>
        ExecuteRegisters(state, uop, Kind.Divide, pops: true);

    private static Outcome DivideReversed(CpuState* state, Uop* uop) => Execute(state, uop, Kind.DivideReversed);

    private static Outcome DivideReversedInteger(CpuState* state, Uop* uop) =>
        ExecuteInteger(state, uop, Kind.DivideReversed);

    private static Outcome DivideReversedAndPop(CpuState* state, Uop* uop) =>
        ExecuteRegisters(state, uop, Kind.DivideReversed, pops: true);

    private static Outcome Execute(CpuState* state, Uop* uop, Kind kind)
    {
        if (uop->DestinationKind == OperandKind.Register)
        {
            return ExecuteRegisters(state, uop, kind, pops: false);
        }

        return FpuStep.TryBegin(state, uop, out FpuStep step)
            && FpuMemory.TryReadFloat(state, uop, out Float80 value, out bool isDenormal)
                ? ExecuteMemory(ref step, kind, value, isDenormal)
                : Outcome.NotRetired;
    }

    private static Outcome ExecuteInteger(CpuState* state, Uop* uop, Kind kind) =>
        FpuStep.TryBegin(state, uop, out FpuStep step) && FpuMemory.TryReadInteger(state, uop, out Float80 value)
            ? ExecuteMemory(ref step, kind, value, wasDenormal: false)
            : Outcome.NotRetired;

    private static Outcome ExecuteMemory(ref FpuStep step, Kind kind, Float80 value, bool wasDenormal)
    {
        Float80 result = step.IsEmpty(0)
            ? step.StackUnderflow()
            : Compute(kind, step.Read(0), value, wasDenormal, ref step.Context);
        if (!step.Context.Stops)
        {
            step.Write(0, result);
        }

        return step.Complete();
    }

    private static Outcome ExecuteRegisters(CpuState* state, Uop* uop, Kind kind, bool pops)
    {
        if (!FpuStep.TryBegin(state, uop, out FpuStep step))
        {
            return Outcome.NotRetired;
        }

        Float80 result = step.IsEmpty(uop->Destination) || step.IsEmpty(uop->Source)
            ? step.StackUnderflow()
            : Compute(
                kind, step.Read(uop->Destination), step.Read(uop->Source), wasDenormal: false, ref step.Context);
        if (!step.Context.Stops)
        {
            step.Write(uop->Destination, result);
            if (pops)
            {
                step.Pop();
            }
        }

        return step.Complete();
    }

    private static Float80 Compute(Kind kind, Float80 a, Float80 b, bool wasDenormal, ref FloatContext context) =>
        kind switch
        {
            Kind.Add => Float80Arithmetic.Add(a, b, wasDenormal, ref context),
            Kind.Subtract => Float80Arithmetic.Subtract(a, b, wasDenormal, ref context),
            Kind.SubtractReversed => Float80Arithmetic.Subtract(b, a, wasDenormal, ref context),
            Kind.Multiply => Float80Arithmetic.Multiply(a, b, wasDenormal, ref context),
            Kind.Divide => Float80Arithmetic.Divide(a, b, wasDenormal, ref context),
            Kind.DivideReversed => Float80Arithmetic.Divide(b, a, wasDenormal, ref context),
        };
}
