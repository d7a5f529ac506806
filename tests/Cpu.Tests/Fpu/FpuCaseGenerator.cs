// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using Iced.Intel;
using KvmActors.Cpu.Float;
using KvmActors.Cpu.Tests.Float;
using KvmActors.Cpu.Tests.Silicon;

namespace KvmActors.Cpu.Tests.Fpu;

/// <summary>Makes random cases of one x87 instruction form: registers, tags, control and status word, pointers, memory.
/// </summary>
/// <param name="blockBase">Linear address of the block of <see cref="SiliconLayout"/>; 0 in 16-bit code.</param>
/// <param name="bits">64, 32 or 16: of the code segment.</param>
internal sealed class FpuCaseGenerator(ulong blockBase, int bits)
{
    private const int BaseRegister = 3;
    private const int OperandOffset = 200;
    private const int OperandBytesMax = 112;

    public SiliconCase Make(Code code, Random random)
    {
        ulong address = blockBase + SiliconLayout.Code + (ulong)random.Next(64);
        ulong target = blockBase + SiliconLayout.Data + OperandOffset + (ulong)random.Next(64);
        Instruction instruction = default;
        instruction.Code = code;
        OpCodeInfo form = code.ToOpCode();
        for (int operand = 0; operand < form.OpCount; operand++)
        {
            Choose(ref instruction, operand, form.GetOpKind(operand), random);
        }

        byte[] bytes = CaseGenerator.Encode(instruction, address, bits)
            ?? throw new InvalidOperationException($"{code} cannot be encoded.");
        ulong[] gprs = new ulong[16];
        gprs[0] = (uint)random.Next();
        gprs[BaseRegister] = target - 8;
        gprs[4] = blockBase + SiliconLayout.Stack;
        byte[] data = new byte[SiliconLayout.DataBytes];
        EdgyNumber.Fill(random, data);
        FillOperand(code, random, data.AsSpan((int)(target - blockBase) - SiliconLayout.Data, OperandBytesMax));
        return new SiliconCase
        {
            Instructions = [instruction],
            Bits = bits,
            Bytes = bytes,
            Address = address,
            Gprs = gprs,
            RFlags = CaseGenerator.Flags(random),
            Data = data,
            Stack = new byte[SiliconLayout.StackBytes],
            FxState = State(random, FpuForms.IsWaiting(code)),
            UndefinedFlags = 0,
        };
    }

    private void Choose(ref Instruction instruction, int operand, OpCodeOperandKind kind, Random random)
    {
        switch (kind)
        {
            case OpCodeOperandKind.mem:
                instruction.SetOpKind(operand, OpKind.Memory);
                instruction.MemoryBase = bits switch
                {
                    64 => Register.RBX,
                    32 => Register.EBX,
                    _ => Register.BX,
                };
                instruction.MemoryDisplacement64 = 8;
                instruction.MemoryDisplSize = 1;
                break;
            case OpCodeOperandKind.ax:
                instruction.SetOpKind(operand, OpKind.Register);
                instruction.SetOpRegister(operand, Register.AX);
                break;
            default:
                instruction.SetOpKind(operand, OpKind.Register);
                instruction.SetOpRegister(
                    operand, Register.ST0 + (kind == OpCodeOperandKind.st0 ? 0 : random.Next(8)));
                break;
        }
    }

    /// <summary>An operand of the kind that the form takes, in nine of ten.</summary>
    private static void FillOperand(Code code, Random random, Span<byte> at)
    {
        MemorySize size = FpuForms.MemorySize(code);
        if (random.Next(10) == 0)
        {
            return;
        }

        switch (size)
        {
            case MemorySize.Float32:
                BinaryPrimitives.WriteUInt32LittleEndian(at, (uint)EdgyFloat.Next<SingleFormat>(random));
                break;
            case MemorySize.Float64:
                BinaryPrimitives.WriteUInt64LittleEndian(at, EdgyFloat.Next<DoubleFormat>(random));
                break;
            case MemorySize.Float80:
                Write(at, EdgyFloat80.Next(random));
                break;
            case MemorySize.FpuEnv14 or MemorySize.FpuEnv28 or MemorySize.FpuState94 or MemorySize.FpuState108:
                FillEnvironment(random, at, size is MemorySize.FpuEnv28 or MemorySize.FpuState108 ? 4 : 2);
                break;
            default:
                break;
        }
    }

    private static void FillEnvironment(Random random, Span<byte> at, int fieldBytes)
    {
        byte[] state = State(random, isWaiting: true);
        state.AsSpan(FxStateImage.Control, 2).CopyTo(at);
        state.AsSpan(FxStateImage.Status, 2).CopyTo(at[fieldBytes..]);
        Float80[] stack = EdgyFloat80.Stack(random);
        for (int place = 0; place < 8; place++)
        {
            Write(at[((7 * fieldBytes) + (10 * place))..], stack[place]);
        }
    }

    private static byte[] State(Random random, bool isWaiting)
    {
        byte[] image = FxStateImage.Initial();
        ushort control = Control(random);
        int status = random.Next(0x10000) & 0x7F7F;
        status &= random.Next(3) == 0 ? 0x7F7F : 0x7F00;
        if (isWaiting || random.Next(2) == 0)
        {
            status &= ~0x3F | control;
        }

        bool waits = (status & ~control & 0x3F) != 0;
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(FxStateImage.Control), control);
        BinaryPrimitives.WriteUInt16LittleEndian(
            image.AsSpan(FxStateImage.Status), (ushort)(status | (waits ? 0x8080 : 0)));
        image[FxStateImage.Tags] = random.Next(3) switch
        {
            0 => 0xFF,
            1 => (byte)random.Next(256),
            _ => (byte)(~(1 << ((status >> 11) - 1 & 7)) & 0xFF),
        };
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(FxStateImage.Opcode), (ushort)random.Next(0x800));
        BinaryPrimitives.WriteUInt32LittleEndian(
            image.AsSpan(FxStateImage.InstructionPointer), (uint)random.Next());
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(FxStateImage.DataPointer), (uint)random.Next());
        Float80[] stack = EdgyFloat80.Stack(random);
        for (int place = 0; place < 8; place++)
        {
            Write(image.AsSpan(FxStateImage.Stack + (place * FxStateImage.StackStride)), stack[place]);
        }

        return image;
    }

    private static ushort Control(Random random)
    {
        int masks = random.Next(3) switch
        {
            0 => random.Next(0x40),
            _ => 0x3F,
        };
        return (ushort)(0x40 | masks | (random.Next(0x20) << 8));
    }

    private static void Write(Span<byte> at, Float80 value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(at, value.Significand);
        BinaryPrimitives.WriteUInt16LittleEndian(at[8..], value.Top);
    }
}
