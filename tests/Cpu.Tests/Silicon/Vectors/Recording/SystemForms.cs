// SPDX-License-Identifier: Apache-2.0

using System.Collections.Frozen;
using Iced.Intel;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Tests.Silicon.Vectors.Recording;

/// <summary>What a process may execute, if only to be told that it may not.</summary>
internal static class SystemForms
{
    private static readonly FrozenSet<Mnemonic> s_mnemonics = ((Mnemonic[])
    [
        // Traps, and the instructions that are none.
        Mnemonic.Int3, Mnemonic.Int1, Mnemonic.Into, Mnemonic.Bound, Mnemonic.Int,
        Mnemonic.Ud0, Mnemonic.Ud1, Mnemonic.Ud2,

        // Flags through the stack; hints.
        Mnemonic.Pushf, Mnemonic.Pushfd, Mnemonic.Pushfq, Mnemonic.Popf, Mnemonic.Popfd, Mnemonic.Popfq,
        Mnemonic.Endbr32, Mnemonic.Endbr64, Mnemonic.Prefetchw, Mnemonic.Prefetch, Mnemonic.Reservednop,
        Mnemonic.Clflushopt, Mnemonic.Clwb, Mnemonic.Cldemote, Mnemonic.Prefetchwt1, Mnemonic.Rdsspd, Mnemonic.Rdsspq,
        Mnemonic.Prefetchit0, Mnemonic.Prefetchit1,

        // #GP, or #UD, at CPL 3.
        Mnemonic.Hlt, Mnemonic.Cli, Mnemonic.Sti, Mnemonic.Clts, Mnemonic.Invd, Mnemonic.Wbinvd, Mnemonic.Invlpg,
        Mnemonic.In, Mnemonic.Out, Mnemonic.Insb, Mnemonic.Insw, Mnemonic.Insd, Mnemonic.Outsb, Mnemonic.Outsw,
        Mnemonic.Outsd, Mnemonic.Lgdt, Mnemonic.Lidt, Mnemonic.Lldt, Mnemonic.Ltr, Mnemonic.Lmsw, Mnemonic.Rdmsr,
        Mnemonic.Wrmsr, Mnemonic.Xsetbv, Mnemonic.Swapgs, Mnemonic.Sysexit, Mnemonic.Sysexitq, Mnemonic.Sysret,
        Mnemonic.Sysretq, Mnemonic.Rsm, Mnemonic.Stac, Mnemonic.Clac, Mnemonic.Mov,
    ]).ToFrozenSet();

    private static readonly FrozenSet<Mnemonic> s_withFx =
        ((Mnemonic[])[Mnemonic.Fxsave, Mnemonic.Fxsave64, Mnemonic.Fxrstor, Mnemonic.Fxrstor64]).ToFrozenSet();

    public static IEnumerable<SiliconCase> Of(int bits, Random random) => Make(s_mnemonics, bits, random);

    public static IEnumerable<SiliconCase> WithFx(int bits, Random random) => Make(s_withFx, bits, random);

    private static IEnumerable<SiliconCase> Make(FrozenSet<Mnemonic> mnemonics, int bits, Random random)
    {
        foreach (Code code in Enum.GetValues<Code>())
        {
            if (mnemonics.Contains(code.Mnemonic())
                && ExampleInstruction.TryMake(code, bits, out Instruction instruction)
                && IsSafe(ref instruction, random))
            {
                yield return Case(instruction, bits, random);
            }
        }
    }

    /// <summary>INT 80h is a system call; 3 and 4 may be called by everybody. Of MOV there are only control and debug
    /// registers here.</summary>
    private static bool IsSafe(ref Instruction instruction, Random random)
    {
        if (instruction.Mnemonic == Mnemonic.Int)
        {
            const int SystemCall = 0x80;
            int vector = random.Next(256);
            instruction.Immediate8 = (byte)(vector % 2 == 0 || vector == SystemCall ? 3 + random.Next(2) : vector);
        }

        return instruction.Mnemonic != Mnemonic.Mov
            || instruction.Op0Register.IsCR() || instruction.Op0Register.IsDR()
            || instruction.Op1Register.IsCR() || instruction.Op1Register.IsDR();
    }

    /// <summary>With RBX, RSI and RDI at a place for an FXSAVE image.</summary>
    public static SiliconCase Case(Instruction instruction, int bits, Random random)
    {
        ulong origin = bits == 16 ? 0 : VectorLayout.BlockBase;
        ulong address = origin + SiliconLayout.Code + (ulong)random.Next(64);
        ulong[] gprs = new ulong[16];

        // A place for an FXSAVE image, at the end of the data window.
        ulong data = origin + SiliconLayout.Data + SiliconLayout.DataBytes - SiliconLayout.FxStateBytes;
        gprs[(int)Gpr.Rbx] = data;
        gprs[(int)Gpr.Rsi] = data;
        gprs[(int)Gpr.Rdi] = data;
        gprs[(int)Gpr.Rsp] = origin + SiliconLayout.Stack;
        return new SiliconCase
        {
            Instructions = [instruction],
            Bits = bits,
            Bytes = CaseGenerator.Encode(instruction, address, bits)
                ?? throw new InvalidOperationException($"{instruction.Code} cannot be encoded."),
            Address = address,
            Gprs = gprs,
            RFlags = 0,
            Data = [],
            Stack = [],
            UndefinedFlags = 0,
        };
    }
}
