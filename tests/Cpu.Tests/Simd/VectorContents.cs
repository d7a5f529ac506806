// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using Iced.Intel;
using KvmActors.Cpu.Float;
using KvmActors.Cpu.Tests.Float;
using KvmActors.Cpu.Tests.Silicon;

namespace KvmActors.Cpu.Tests.Simd;

/// <summary>Registers and memory as an instruction likes them: mostly numbers of its own format at the edges of it.
/// </summary>
internal sealed class VectorContents : ICaseContents
{
    private const uint AllMasked = 0x1F80;
    private const int RegisterBytes = 16;
    private const int XmmCount = 16;

    /// <summary>What an exception's mask bits are; all masked unless a test says otherwise.</summary>
    public Func<Random, uint> Masks { get; init; } = _ => AllMasked;

    public void Fill(in Instruction instruction, Random random, Span<byte> memory)
    {
        if (instruction.Mnemonic == Mnemonic.Ldmxcsr)
        {
            for (int at = 0; at < memory.Length; at += sizeof(uint))
            {
                BinaryPrimitives.WriteUInt32LittleEndian(memory[at..], Mxcsr(random));
            }

            return;
        }

        Content content = Choose(instruction, random);
        for (int at = 0; at < memory.Length; at += RegisterBytes)
        {
            Fill(content, random, memory.Slice(at, RegisterBytes));
        }
    }

    public byte[] FxState(in Instruction instruction, Random random)
    {
        byte[] image = FxStateImage.Initial();
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(FxStateImage.Mxcsr), Mxcsr(random));
        Content content = Choose(instruction, random);
        for (int register = 0; register < XmmCount; register++)
        {
            Fill(content, random, FxStateImage.XmmOf(image, register));
        }

        // Half the time as an x87 program leaves it: TOP, condition codes and tags are chance.
        if (random.Next(2) == 0)
        {
            ushort status = (ushort)(random.Next() & 0x7F00);
            BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(FxStateImage.Status), status);
            image[FxStateImage.Tags] = (byte)random.Next(256);
        }

        for (int place = 0; place < 8; place++)
        {
            Span<byte> register = image.AsSpan(FxStateImage.Stack + (place * FxStateImage.StackStride), RegisterBytes);
            Fill(content, random, register);
            register[10..].Clear();
        }

        return image;
    }

    private static Content Choose(in Instruction instruction, Random random)
    {
        if (random.Next(6) == 0)
        {
            return (Content)random.Next((int)Content.Text + 1);
        }

        if (instruction.Mnemonic is Mnemonic.Pcmpestri or Mnemonic.Pcmpestri64 or Mnemonic.Pcmpestrm
            or Mnemonic.Pcmpestrm64 or Mnemonic.Pcmpistri or Mnemonic.Pcmpistrm)
        {
            return Content.Text;
        }

        MemorySize format = instruction.Code.ToOpCode().MemorySize.GetElementType();
        return format switch
        {
            MemorySize.Float32 => Content.Singles,
            MemorySize.Float64 => Content.Doubles,
            _ => (Content)random.Next((int)Content.Small + 1),
        };
    }

    private static void Fill(Content content, Random random, Span<byte> register)
    {
        switch (content)
        {
            case Content.Integers:
                EdgyNumber.Fill(random, register);
                break;
            case Content.Chance:
                random.NextBytes(register);
                break;
            case Content.Small:
                BitConverter.TryWriteBytes(register, (ulong)random.Next(-2, 70));
                BitConverter.TryWriteBytes(register[8..], (ulong)random.Next(-2, 70));
                break;
            case Content.Singles:
                FillSingles(random, register);
                break;
            case Content.Doubles:
                ulong first = EdgyFloat.Next<DoubleFormat>(random);
                BitConverter.TryWriteBytes(register, first);
                BitConverter.TryWriteBytes(register[8..], EdgyFloat.Beside<DoubleFormat>(random, first));
                break;
            default:
                FillText(random, register);
                break;
        }
    }

    private static void FillSingles(Random random, Span<byte> register)
    {
        ulong last = EdgyFloat.Next<SingleFormat>(random);
        for (int at = 0; at < RegisterBytes; at += sizeof(uint))
        {
            BitConverter.TryWriteBytes(register[at..], (uint)last);
            last = EdgyFloat.Beside<SingleFormat>(random, last);
        }
    }

    /// <summary>Few different characters, so that texts have much in common, and ends.</summary>
    private static void FillText(Random random, Span<byte> register)
    {
        ReadOnlySpan<byte> alphabet = [1, 2, 3, 0x7F, 0x80, 0xFF, (byte)random.Next(256), 0];
        int letters = random.Next(1, alphabet.Length);
        bool isWords = random.Next(2) == 0;
        for (int at = 0; at < register.Length; at++)
        {
            bool isEnd = random.Next(16) == 0;
            bool isUpper = isWords && at % 2 == 1;
            register[at] = isEnd || isUpper ? (byte)0 : alphabet[random.Next(letters)];
        }
    }

    private uint Mxcsr(Random random)
    {
        const uint Flags = 0x3F;
        const uint Modes = 0xE040; // RC, FTZ, DAZ
        uint chance = (uint)random.Next();
        uint modes = random.Next(2) == 0 ? chance & Modes : chance & 0x6000;
        return Masks(random) | modes | ((chance >> 20) & (random.Next(2) == 0 ? Flags : 0));
    }

    private enum Content
    {
        Integers,
        Chance,
        Small,
        Singles,
        Doubles,
        Text,
    }
}
