// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Tests.Silicon;

/// <summary>Makes random cases of one instruction form, none of which faults.</summary>
/// <param name="blockBase">Linear address of the block of <see cref="SiliconLayout"/>.</param>
/// <param name="bits">64 or 32: of the code segment.</param>
/// <param name="contents">What is in memory and in x87, MMX and SSE registers; null for integers, and registers that
/// are not looked at.</param>
internal sealed class CaseGenerator(ulong blockBase, int bits, ICaseContents? contents = null)
{
    private const int TriesMax = 200;
    private const ulong UserFlags = 0x202; // IF and the bit that is always 1: what a host process runs with
    private const ulong RandomFlags = SiliconResult.ComparedFlags;

    /// <summary>A case, or null if chance found none that can be encoded and executed.</summary>
    public SiliconCase? TryMake(Code code, Random random)
    {
        for (int attempt = 0; attempt < TriesMax; attempt++)
        {
            if (TryOnce(code, random) is { } made)
            {
                return made;
            }
        }

        return null;
    }

    private SiliconCase? TryOnce(Code code, Random random)
    {
        ulong address = blockBase + (random.Next(8) == 0
            ? SiliconLayout.CodeBoundary - (ulong)random.Next(1, 15)
            : SiliconLayout.Code + (ulong)random.Next(64));
        Instruction instruction = Form(code, random, address + SiliconLayout.TakenOffset, bits);
        ulong[] gprs = new ulong[16];
        for (int register = 0; register < (bits == 64 ? 16 : 8); register++)
        {
            gprs[register] = bits == 64 ? EdgyNumber.Next(random) : (uint)EdgyNumber.Next(random);
        }

        gprs[(int)Gpr.Rsp] = blockBase + SiliconLayout.Stack;
        byte[] data = new byte[SiliconLayout.DataBytes];
        byte[] stack = new byte[SiliconLayout.StackBytes];
        Fill(instruction, random, data);
        Fill(instruction, random, stack);
        CaseOperands operands = new(blockBase, bits, random, gprs, data, stack);
        if (!operands.TryArrange(ref instruction, address + SiliconLayout.TakenOffset)
            || Encode(instruction, address, bits) is not { } bytes
            || !operands.IsFree(instruction))
        {
            return null;
        }

        return new SiliconCase
        {
            Instructions = [instruction],
            Bits = bits,
            Bytes = bytes,
            Address = address,
            Gprs = gprs,
            RFlags = Flags(random),
            Data = data,
            Stack = stack,
            FxState = contents?.FxState(instruction, random),
            UndefinedFlags = UndefinedFlags.Of(instruction, gprs),
        };
    }

    private void Fill(in Instruction instruction, Random random, Span<byte> bytes)
    {
        if (contents is null)
        {
            EdgyNumber.Fill(random, bytes);
        }
        else
        {
            contents.Fill(instruction, random, bytes);
        }
    }

    public static ulong Flags(Random random) => UserFlags | ((ulong)random.NextInt64() & RandomFlags);

    /// <summary>The form with operands chosen; memory operands have no address yet.</summary>
    public static Instruction Form(Code code, Random random, ulong takenBranch, int bits)
    {
        OpCodeInfo form = code.ToOpCode();
        Instruction instruction = default;
        instruction.Code = code;
        for (int operand = 0; operand < form.OpCount; operand++)
        {
            OperandChoice.Choose(
                ref instruction, operand, form.GetOpKind(operand), random, takenBranch, bits);
        }

        if (instruction.Mnemonic == Mnemonic.Enter)
        {
            // Two immediates: bytes of the frame, and how deep it is nested.
            instruction.Immediate16 = (ushort)random.Next(0x1000);
            instruction.Op1Kind = OpKind.Immediate8_2nd;
            instruction.Immediate8_2nd = (byte)random.Next(4);
        }

        bool memoryFirst = form.OpCount > 0 && instruction.Op0Kind == OpKind.Memory;
        instruction.HasLockPrefix = form.CanUseLockPrefix && memoryFirst && random.Next(3) == 0;
        if (form.CanUseRepPrefix || form.CanUseRepnePrefix)
        {
            int prefix = random.Next(3);
            instruction.HasRepPrefix = prefix == 1 && form.CanUseRepPrefix;
            instruction.HasRepnePrefix = prefix == 2 && form.CanUseRepnePrefix;
        }

        return instruction;
    }

    /// <summary>Null if these operands cannot stand together.</summary>
    public static byte[]? Encode(in Instruction instruction, ulong address, int bits)
    {
        CodeBytes writer = new();
        var encoder = Encoder.Create(bits, writer);
        return encoder.TryEncode(instruction, address, out _, out _) ? writer.Bytes : null;
    }

    internal sealed class CodeBytes : CodeWriter
    {
        private readonly List<byte> _bytes = [];

        public byte[] Bytes => [.. _bytes];

        public override void WriteByte(byte value) => _bytes.Add(value);
    }
}
