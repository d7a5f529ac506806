// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Float;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Fpu;

// JUSTIFICATION: see CpuState.
// SAFETY: see FpuImage.

/// <summary>What moves registers and the stack and computes nothing: FXCH, FCMOVcc, FINCSTP, FDECSTP, FFREE, FNOP.
/// </summary>
/// <remarks>Source: Intel SDM vol. 2, of each instruction; FFREEP: AMD, and every Intel processor.</remarks>
internal static unsafe class FpuMoveOperations
{
    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Fxch, &Exchange);
        table.Add(Mnemonic.Fincstp, &Increment);
        table.Add(Mnemonic.Fdecstp, &Decrement);
        table.Add(Mnemonic.Ffree, &Free);
        table.Add(Mnemonic.Ffreep, &FreeAndPop);
        table.Add(Mnemonic.Fnop, &Nothing);
        table.Add(Mnemonic.Fcmovb, &IfBelow);
        table.Add(Mnemonic.Fcmovnb, &IfNotBelow);
        table.Add(Mnemonic.Fcmove, &IfEqual);
        table.Add(Mnemonic.Fcmovne, &IfNotEqual);
        table.Add(Mnemonic.Fcmovbe, &IfBelowOrEqual);
        table.Add(Mnemonic.Fcmovnbe, &IfNotBelowOrEqual);
        table.Add(Mnemonic.Fcmovu, &IfUnordered);
        table.Add(Mnemonic.Fcmovnu, &IfNotUnordered);
    }

    private static Outcome Exchange(CpuState* state, Uop* uop)
    {
        if (!FpuStep.TryBegin(state, uop, out FpuStep step))
        {
            return Outcome.NotRetired;
        }

        int place = uop->Source;
        Float80 top = step.Read(0);
        Float80 other = step.Read(place);
        if (step.IsEmpty(0) || step.IsEmpty(place))
        {
            // An empty register counts as the indefinite.
            top = step.IsEmpty(0) ? step.StackUnderflow() : top;
            other = step.IsEmpty(place) ? step.StackUnderflow() : other;
        }

        if (!step.Context.Stops)
        {
            step.Write(0, other);
            step.Write(place, top);
        }

        return step.Complete();
    }

    private static Outcome Increment(CpuState* state, Uop* uop) => Move(state, uop, by: 1);

    private static Outcome Decrement(CpuState* state, Uop* uop) => Move(state, uop, by: -1);

    private static Outcome Move(CpuState* state, Uop* uop, int by)
    {
        if (!FpuStep.TryBegin(state, uop, out FpuStep step))
        {
            return Outcome.NotRetired;
        }

        FpuImage.Rotate(state, by);
        return step.Complete();
    }

    private static Outcome Free(CpuState* state, Uop* uop) => Free(state, uop, pops: false);

    private static Outcome FreeAndPop(CpuState* state, Uop* uop) => Free(state, uop, pops: true);

    private static Outcome Free(CpuState* state, Uop* uop, bool pops)
    {
        if (!FpuStep.TryBegin(state, uop, out FpuStep step))
        {
            return Outcome.NotRetired;
        }

        FpuImage.Free(state, uop->Destination);
        if (pops)
        {
            step.Pop();
        }

        return step.Complete();
    }

    private static Outcome Nothing(CpuState* state, Uop* uop) =>
        FpuStep.TryBegin(state, uop, out FpuStep step) ? step.CompleteKeepingC1() : Outcome.NotRetired;

    private static Outcome IfBelow(CpuState* state, Uop* uop) => MoveIf(state, uop, LazyFlags.Carry(state));

    private static Outcome IfNotBelow(CpuState* state, Uop* uop) => MoveIf(state, uop, !LazyFlags.Carry(state));

    private static Outcome IfEqual(CpuState* state, Uop* uop) => MoveIf(state, uop, LazyFlags.Zero(state));

    private static Outcome IfNotEqual(CpuState* state, Uop* uop) => MoveIf(state, uop, !LazyFlags.Zero(state));

    private static Outcome IfBelowOrEqual(CpuState* state, Uop* uop) =>
        MoveIf(state, uop, LazyFlags.Carry(state) || LazyFlags.Zero(state));

    private static Outcome IfNotBelowOrEqual(CpuState* state, Uop* uop) =>
        MoveIf(state, uop, !LazyFlags.Carry(state) && !LazyFlags.Zero(state));

    private static Outcome IfUnordered(CpuState* state, Uop* uop) => MoveIf(state, uop, LazyFlags.Parity(state));

    private static Outcome IfNotUnordered(CpuState* state, Uop* uop) => MoveIf(state, uop, !LazyFlags.Parity(state));

    private static Outcome MoveIf(CpuState* state, Uop* uop, bool condition)
    {
        if (!FpuStep.TryBegin(state, uop, out FpuStep step))
        {
            return Outcome.NotRetired;
        }

        bool underflows = step.IsEmpty(0) || step.IsEmpty(uop->Source);
        Float80 value = underflows ? step.StackUnderflow() : step.Read(uop->Source);
        if (!step.Context.Stops && (condition || underflows))
        {
            step.Write(0, value);
        }

        return step.CompleteKeepingC1();
    }
}
