// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Float;

/// <summary>How to round, and what has happened: the control and status register of the operations.</summary>
/// <remarks>Source: Intel SDM vol. 1, sections 8.1.5 "x87 FPU Control Word" and 10.2.3 "MXCSR Control and Status
/// Register".</remarks>
internal struct FloatContext
{
    private const int MaskShift = 7;
    private const int RoundingShift = 13;
    private const uint FlushBit = 1 << 15;
    private const uint DenormalsBit = 1 << 6;
    private const int ControlRoundingShift = 10;
    private const int ControlPrecisionShift = 8;

    public FloatRounding Rounding;

    /// <summary>Raised, and never taken back by an operation.</summary>
    public FloatFlags Flags;

    /// <summary>A set bit: the exception has a default result. A clear one: the result is of no use once it is
    /// raised.</summary>
    public FloatFlags Masked;

    /// <summary>A tiny result becomes 0, where underflow is masked.</summary>
    public bool FlushToZero;

    /// <summary>A denormal operand counts as 0, and raises nothing.</summary>
    public bool DenormalsAreZero;

    /// <summary>x87: the last result was rounded away from zero.</summary>
    public bool RoundedUp;

    /// <summary>x87: bits of the significand that basic arithmetic keeps: 24, 53 or 64.</summary>
    public int PrecisionBits;

    /// <summary>True if an exception is raised for which there is no default result.</summary>
    public readonly bool HasUnmasked => (Flags & ~Masked) != 0;

    /// <summary>True if the operation ends before it computes.</summary>
    public readonly bool Stops => (Flags & ~Masked & FloatFlags.BeforeComputation) != 0;

    /// <summary>The context of an SSE instruction, with no flag raised yet.</summary>
    public static FloatContext FromMxcsr(uint mxcsr) => new()
    {
        Rounding = (FloatRounding)(mxcsr >> RoundingShift & 3),
        Masked = (FloatFlags)(mxcsr >> MaskShift) & FloatFlags.All,
        FlushToZero = (mxcsr & FlushBit) != 0,
        DenormalsAreZero = (mxcsr & DenormalsBit) != 0,
    };

    /// <summary>The context of an x87 instruction, with no flag raised yet.</summary>
    /// <remarks>The reserved precision 1 keeps 64 bits, as Intel's CPUs do. Source: SDM vol. 1, 8.1.5.</remarks>
    public static FloatContext FromControlWord(ushort control) => new()
    {
        Rounding = (FloatRounding)(control >> ControlRoundingShift & 3),
        Masked = (FloatFlags)control & FloatFlags.All,
        PrecisionBits = (control >> ControlPrecisionShift & 3) switch
        {
            0 => 24,
            2 => 53,
            _ => Float80.SignificandBits,
        },
    };

    public void Raise(FloatFlags flags) => Flags |= flags;
}
