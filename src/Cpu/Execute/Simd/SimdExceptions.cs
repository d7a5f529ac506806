// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Float;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Simd;

// JUSTIFICATION: see CpuState.
// SAFETY: touches MXCSR and the fault fields of the state.

/// <summary>What floating-point instructions leave in MXCSR, and the exceptions that are not masked.</summary>
/// <remarks>Exceptions of operands (invalid, denormal, division by zero) come before those of results, over all
/// elements:
/// if one of them is not masked, nothing was computed, and no flag of a result is set. Source: Intel SDM vol. 1,
/// section
/// 11.5.</remarks>
internal static unsafe class SimdExceptions
{
    /// <summary>Sets the flags of a step. False, with #XM raised, or #UD if CR4.OSXMMEXCPT is clear, if one of them is
    /// not masked: then nothing may be written.</summary>
    public static bool TryPass(CpuState* state, in FloatContext context)
    {
        FloatFlags seen = context.Stops ? context.Flags & FloatFlags.BeforeComputation : context.Flags;
        *XmmRegisters.Mxcsr(state) |= (uint)seen;
        if (!context.HasUnmasked)
        {
            return true;
        }

        if ((state->Cr4 & ControlBits.Cr4SimdExceptions) != 0)
        {
            Faults.Raise(state, Faults.SimdException);
        }
        else
        {
            Faults.Undefined(state);
        }

        return false;
    }
}
