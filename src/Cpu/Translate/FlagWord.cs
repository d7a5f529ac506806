// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Translate;

// JUSTIFICATION: see CpuState.
// SAFETY: touches only the flag fields of the state it is given.

// Layout, in AX as LAHF and SETO leave it.
//   bits 15:8  SF, ZF, 0, AF, 0, PF, 1, CF
//   bit 7      AF is 0 whatever bit 12 says: logical instructions leave it undefined in the host, 0 in the engine
//   bit 0      OF, never together with bit 7

/// <summary>The status flags while host code runs that was made from guest code.</summary>
internal static unsafe class FlagWord
{
    public const int NoAuxiliary = 1 << 7;
    public const int AuxiliaryBit = 12;
    public const int CarryBit = 8;

    private const int FromLahf = 8;
    private const int OverflowShift = 11;
    private const ulong LahfFlags = RFlags.Status & ~RFlags.Overflow;

    public static ulong Of(ulong status) =>
        ((status & LahfFlags) << FromLahf) | ((status >> OverflowShift) & 1);

    public static ulong StatusOf(ulong word)
    {
        ulong status = ((word >> FromLahf) & LahfFlags) | ((word & 1) << OverflowShift);
        return (word & NoAuxiliary) == 0 ? status : status & ~RFlags.Auxiliary;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Save(CpuState* state) => state->FlagWord = Of(LazyFlags.ReadStatus(state));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Restore(CpuState* state) => LazyFlags.WriteStatus(state, StatusOf(state->FlagWord));
}
