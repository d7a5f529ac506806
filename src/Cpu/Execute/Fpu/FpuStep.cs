// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.Float;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Fpu;

// JUSTIFICATION: see CpuState.
// SAFETY: see FpuImage.

/// <summary>One x87 instruction that computes: checks before, exceptions and pointers behind.</summary>
/// <remarks>
/// <para>Exceptions are noted in the status word. One that is not masked is reported as #MF by the next waiting
/// instruction; before it is raised nothing is stored if it is invalid, denormal or divide by zero.</para>
/// <para>Pointers: the last instruction's address always; its operand's address and its opcode only with an unmasked
/// exception, which is what CPUID.(7,0):EBX[6] tells; segments are 0, as EBX[13] tells. Source: Intel SDM vol. 1,
/// sections 8.1.8, 8.1.9 and 8.6.</para>
/// </remarks>
internal unsafe ref struct FpuStep
{
    public FloatContext Context;

    private readonly CpuState* _state;
    private readonly Uop* _uop;
    private ushort _more;

    private FpuStep(CpuState* state, Uop* uop)
    {
        _state = state;
        _uop = uop;
        Context = FloatContext.FromControlWord(FpuImage.Control(state));
    }

    /// <summary>False, with #NM or #MF raised, if the instruction may not begin.</summary>
    public static bool TryBegin(CpuState* state, Uop* uop, out FpuStep step)
    {
        step = new FpuStep(state, uop);
        return FpuAvailability.MayWait(state);
    }

    public readonly bool IsEmpty(int place) => FpuImage.IsEmpty(_state, place);

    public readonly Float80 Read(int place) => FpuImage.Read(_state, place);

    public readonly void Write(int place, Float80 value) => FpuImage.Write(_state, place, value);

    public readonly void Pop()
    {
        FpuImage.Free(_state, 0);
        FpuImage.Rotate(_state, 1);
    }

    public readonly void Push(Float80 value)
    {
        FpuImage.Rotate(_state, -1);
        FpuImage.Write(_state, 0, value);
    }

    /// <summary>C0, C2 and C3 become what is given.</summary>
    public readonly void SetConditions(int conditions)
    {
        const int Others = FpuStatus.Conditions & ~FpuStatus.C1;
        ref ushort status = ref FpuImage.Status(_state);
        status = (ushort)((status & ~Others) | (conditions & Others));
    }

    public readonly void SetC2() => FpuImage.Status(_state) |= FpuStatus.C2;

    public readonly void ClearC2() => FpuImage.Status(_state) &= unchecked((ushort)~FpuStatus.C2);

    /// <summary>C1 is set when the instruction completes.</summary>
    public void SetC1() => _more |= FpuStatus.C1;

    /// <summary>An operand is an empty register.</summary>
    public Float80 StackUnderflow()
    {
        _more |= FpuStatus.StackFault;
        return Float80Operands.Invalid(ref Context);
    }

    /// <summary>A result has no empty register to go to.</summary>
    public Float80 StackOverflow()
    {
        _more |= FpuStatus.StackFault | FpuStatus.C1;
        return Float80Operands.Invalid(ref Context);
    }

    /// <summary>True if place 7 is in use, with the exception raised: a push has nowhere to go.</summary>
    public bool Overflows()
    {
        bool isFull = !IsEmpty(-1);
        if (isFull)
        {
            StackOverflow();
        }

        return isFull;
    }

    /// <summary>Notes exceptions and pointers; C1 stays what it is, unless the stack is at fault.</summary>
    public Outcome CompleteKeepingC1()
    {
        bool keeps = (_more & FpuStatus.StackFault) == 0;
        _more |= (ushort)(keeps ? FpuImage.Status(_state) & FpuStatus.C1 : 0);
        return Complete();
    }

    /// <summary>Notes exceptions and pointers.</summary>
    public readonly Outcome Complete()
    {
        ref ushort status = ref FpuImage.Status(_state);
        bool isUp = Context.RoundedUp && (_more & FpuStatus.StackFault) == 0;
        int more = _more | (int)Context.Flags | (isUp ? FpuStatus.C1 : 0);
        status = (ushort)((status & ~FpuStatus.C1) | more);
        FpuImage.Summarize(_state);
        FpuImage.InstructionPointer(_state) = Leaving.Rip(_state, _uop);
        if (Context.HasUnmasked)
        {
            FpuLastOpcode.Note(_state, _uop);
            if (_uop->DestinationKind == OperandKind.Memory)
            {
                FpuImage.DataPointer(_state) = MemoryReference.Offset(_state, _uop);
            }
        }

        return Outcome.Next;
    }
}
