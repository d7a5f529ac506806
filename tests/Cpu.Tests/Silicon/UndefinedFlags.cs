// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Tests.Silicon;

/// <summary>Which flags an instruction leaves undefined: those are the engine's own to define, and are not compared.
/// </summary>
/// <remarks>Source: Intel SDM vol. 2, "Flags Affected" of each instruction; for all but shifts and rotates, as Iced has
/// collected them.</remarks>
internal static class UndefinedFlags
{
    private const ulong Carry = 1 << 0;
    private const ulong Adjust = 1 << 4;
    private const ulong Overflow = 1 << 11;

    public static ulong Of(in Instruction instruction, ReadOnlySpan<ulong> gprs) => instruction.Mnemonic switch
    {
        Mnemonic.Rol or Mnemonic.Ror or Mnemonic.Rcl or Mnemonic.Rcr => Count(instruction, gprs) switch
        {
            0 or 1 => 0,
            _ => Overflow,
        },
        Mnemonic.Shl or Mnemonic.Sal or Mnemonic.Shr or Mnemonic.Sar or Mnemonic.Shld or Mnemonic.Shrd =>
            Shift(instruction, Count(instruction, gprs)),
        _ => FromIced(instruction.RflagsUndefined),
    };

    private static ulong Shift(in Instruction instruction, int count)
    {
        if (count == 0)
        {
            return 0;
        }

        // SHL and SHR leave CF undefined when every bit is shifted out, and one more.
        bool carryIsLost = instruction.Mnemonic is Mnemonic.Shl or Mnemonic.Sal or Mnemonic.Shr
            && count >= SizeBits(instruction);
        return Adjust | (count == 1 ? 0 : Overflow) | (carryIsLost ? Carry : 0);
    }

    private static int Count(in Instruction instruction, ReadOnlySpan<ulong> gprs)
    {
        int last = instruction.OpCount - 1;
        int count = instruction.GetOpKind(last) == OpKind.Immediate8
            ? instruction.Immediate8
            : (byte)gprs[(int)Gpr.Rcx];
        return count & (SizeBits(instruction) == 64 ? 63 : 31);
    }

    private static int SizeBits(in Instruction instruction) => 8 * (instruction.Op0Kind == OpKind.Register
        ? instruction.Op0Register.GetSize()
        : instruction.MemorySize.GetSize());

    public static ulong FromIced(RflagsBits bits)
    {
        ulong flags = 0;
        foreach ((RflagsBits bit, int position) in (ReadOnlySpan<(RflagsBits, int)>)
            [(RflagsBits.CF, 0), (RflagsBits.PF, 2), (RflagsBits.AF, 4), (RflagsBits.ZF, 6), (RflagsBits.SF, 7),
            (RflagsBits.DF, 10), (RflagsBits.OF, 11)])
        {
            flags |= (bits & bit) != 0 ? 1ul << position : 0;
        }

        return flags;
    }
}
