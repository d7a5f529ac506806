// SPDX-License-Identifier: Apache-2.0

using System.Numerics;
using System.Runtime.CompilerServices;

namespace KvmActors.Cpu.State;

// JUSTIFICATION: see CpuState.
// SAFETY: touches only fields of the state it is given.

// Layout of the lazy flags.
//   FlagResult   the result, sign-extended to 64 bits.  ZF: it is 0.  SF: it is negative.  PF: parity of its low byte.
//   FlagCarries  the carry (or borrow) out of every bit, of operands sign-extended to 64 bits, so that all bits from
//                the operand's top bit up are the carry flag.  CF: bit 63.  OF: top bit xor the one below.  AF: bit 3.
//   FlagShape    bits 7:0 number of the bit below the operand's top bit; SignInverted and ParityInverted let SF and PF
//                differ from what FlagResult says, for flags that were loaded and not computed.

/// <summary>The six status flags, kept as the last result and its carries, and computed when somebody looks.</summary>
/// <remarks>Source: Intel SDM vol. 1, section 3.4.3.1 "Status Flags".</remarks>
internal static unsafe class LazyFlags
{
    public const int Shape8 = 6;
    public const int Shape16 = 14;
    public const int Shape32 = 30;
    public const int Shape64 = 62;
    public const int SignInverted = 1 << 8;
    public const int ParityInverted = 1 << 9;

    private const int ShiftMask = 63;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Carry(CpuState* state) => (long)state->FlagCarries < 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Zero(CpuState* state) => state->FlagResult == 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Sign(CpuState* state) =>
        ((long)state->FlagResult < 0) ^ ((state->FlagShape & SignInverted) != 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Overflow(CpuState* state)
    {
        ulong top = state->FlagCarries >> (state->FlagShape & ShiftMask);
        return ((top ^ (top >> 1)) & 1) != 0;
    }

    public static bool Parity(CpuState* state) =>
        ((BitOperations.PopCount((uint)state->FlagResult & 0xFF) & 1) == 0)
        ^ ((state->FlagShape & ParityInverted) != 0);

    public static bool Auxiliary(CpuState* state) => (state->FlagCarries & 8) != 0;

    /// <summary>RFLAGS as the guest sees it.</summary>
    public static ulong Read(CpuState* state) => state->SystemFlags | ReadStatus(state);

    public static ulong ReadStatus(CpuState* state) =>
        (Carry(state) ? RFlags.Carry : 0)
        | (Parity(state) ? RFlags.Parity : 0)
        | (Auxiliary(state) ? RFlags.Auxiliary : 0)
        | (Zero(state) ? RFlags.Zero : 0)
        | (Sign(state) ? RFlags.Sign : 0)
        | (Overflow(state) ? RFlags.Overflow : 0);

    /// <summary>Loads the six status flags from an RFLAGS value; its other bits are not looked at.</summary>
    public static void WriteStatus(CpuState* state, ulong flags)
    {
        bool zero = (flags & RFlags.Zero) != 0;
        bool sign = (flags & RFlags.Sign) != 0;
        bool parity = (flags & RFlags.Parity) != 0;
        bool carry = (flags & RFlags.Carry) != 0;
        bool overflow = (flags & RFlags.Overflow) != 0;

        // Result 0 is positive and of even parity; result 1 is positive and of odd parity.
        state->FlagResult = zero ? 0ul : 1ul;
        state->FlagShape = Shape64 | (sign ? SignInverted : 0) | (parity != zero ? ParityInverted : 0);
        state->FlagCarries = (carry ? 1ul << 63 : 0)
            | (carry != overflow ? 1ul << 62 : 0)
            | ((flags & RFlags.Auxiliary) != 0 ? 8ul : 0);
    }

    /// <summary>CF and OF as given, SF, ZF and PF from the result, AF clear.</summary>
    /// <param name="state">The vCPU.</param>
    /// <param name="result">The result, sign-extended.</param>
    /// <param name="shape">One of <see cref="Shape8"/> to <see cref="Shape64"/>.</param>
    /// <param name="carry">CF.</param>
    /// <param name="overflow">OF.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Set(CpuState* state, ulong result, int shape, bool carry, bool overflow)
    {
        state->FlagResult = result;
        state->FlagShape = shape;
        state->FlagCarries = CarriesOf(shape, carry, overflow);
    }

    /// <summary>Replaces CF and OF, keeps the rest (rotates).</summary>
    public static void SetCarryAndOverflow(CpuState* state, bool carry, bool overflow)
    {
        ulong auxiliary = state->FlagCarries & 8;
        state->FlagCarries = CarriesOf(state->FlagShape & ShiftMask, carry, overflow) | auxiliary;
    }

    /// <summary>Sets AF, keeps the rest.</summary>
    public static void SetAuxiliary(CpuState* state) => state->FlagCarries |= 8;

    /// <summary>Replaces CF, keeps the rest.</summary>
    public static void SetCarry(CpuState* state, bool carry)
    {
        // Both the top bit and the one below change, so that OF, their difference, stays; AF is far below, but for
        // bytes, where bit 3 still is below bit 6. No branch: what carries is often chance.
        ulong differs = (state->FlagCarries >> 63) ^ Bit(carry);
        state->FlagCarries ^= (ulong.MaxValue << (state->FlagShape & ShiftMask)) & (0 - differs);
    }

    /// <summary>Replaces OF, keeps the rest.</summary>
    public static void SetOverflow(CpuState* state, bool overflow)
    {
        if (Overflow(state) != overflow)
        {
            state->FlagCarries ^= 1ul << (state->FlagShape & ShiftMask);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong CarriesOf(int shape, bool carry, bool overflow) =>
        ((0 - Bit(carry)) << (shape + 1)) | ((Bit(carry) ^ Bit(overflow)) << shape);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Bit(bool flag) => flag ? 1ul : 0ul;
}
