// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Float;

/// <summary>Exceptions of floating point, as MXCSR[5:0] and FSW[5:0] have them.</summary>
/// <remarks>Source: Intel SDM vol. 1, sections 4.9.1, 8.1.3.3 and 10.2.3.1.</remarks>
[Flags]
internal enum FloatFlags : byte
{
    None = 0,
    Invalid = 1,
    Denormal = 2,
    ZeroDivide = 4,
    Overflow = 8,
    Underflow = 16,
    Inexact = 32,

    /// <summary>What is detected before a result is computed: unmasked, there is none.</summary>
    BeforeComputation = Invalid | Denormal | ZeroDivide,
    All = 63,
}
