// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using KvmActors.Cpu.Cpuid;

namespace KvmActors.Kvm;

/// <summary>A guest in real mode that executes CPUID for a list of leaves and subleaves, and halts. Bytes only: any
/// processor may run it.</summary>
/// <remarks>SI points to the questions (leaf and subleaf), DI to the answers (EAX, EBX, ECX, EDX), BP counts down. All
/// segments have base 0.</remarks>
internal static class KvmCpuidProgram
{
    public const int MemoryBytes = 0x1_0000;

    /// <summary>As many as have room between the addresses below.</summary>
    public const int QueriesMax = 512;

    public const ushort CodeAddress = 0x1000;
    public const ushort QuestionsAddress = 0x2000;
    public const ushort AnswersAddress = 0x4000;

    private const int QuestionBytes = 8;
    private const int AnswerBytes = 16;

    private static ReadOnlySpan<byte> Code =>
    [
        0x66, 0x8B, 0x04,       // next: mov eax, [si]
        0x66, 0x8B, 0x4C, 0x04, // mov ecx, [si+4]
        0x0F, 0xA2,             // cpuid
        0x66, 0x89, 0x05,       // mov [di], eax
        0x66, 0x89, 0x5D, 0x04, // mov [di+4], ebx
        0x66, 0x89, 0x4D, 0x08, // mov [di+8], ecx
        0x66, 0x89, 0x55, 0x0C, // mov [di+12], edx
        0x83, 0xC6, 0x08,       // add si, 8
        0x83, 0xC7, 0x10,       // add di, 16
        0x4D,                   // dec bp
        0x75, 0xDF,             // jnz next
        0xF4,                   // hlt
    ];

    /// <summary>The guest's memory before its run.</summary>
    /// <exception cref="ArgumentException">More than <see cref="QueriesMax"/> questions.</exception>
    public static byte[] Memory(IReadOnlyList<(uint Leaf, uint Subleaf)> questions)
    {
        if (questions.Count is 0 or > QueriesMax)
        {
            throw new ArgumentException(
                $"Expected 1 to {QueriesMax} questions, found {questions.Count}.", nameof(questions));
        }

        byte[] memory = new byte[MemoryBytes];
        Code.CopyTo(memory.AsSpan(CodeAddress));
        for (int i = 0; i < questions.Count; i++)
        {
            Span<byte> question = memory.AsSpan(QuestionsAddress + (i * QuestionBytes));
            BinaryPrimitives.WriteUInt32LittleEndian(question, questions[i].Leaf);
            BinaryPrimitives.WriteUInt32LittleEndian(question[sizeof(uint)..], questions[i].Subleaf);
        }

        return memory;
    }

    /// <summary>What the guest left in its memory.</summary>
    public static CpuidRegisters[] Answers(ReadOnlySpan<byte> memory, int count)
    {
        var answers = new CpuidRegisters[count];
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> answer = memory.Slice(AnswersAddress + (i * AnswerBytes), AnswerBytes);
            answers[i] = new CpuidRegisters(
                BinaryPrimitives.ReadUInt32LittleEndian(answer),
                BinaryPrimitives.ReadUInt32LittleEndian(answer[4..]),
                BinaryPrimitives.ReadUInt32LittleEndian(answer[8..]),
                BinaryPrimitives.ReadUInt32LittleEndian(answer[12..]));
        }

        return answers;
    }
}
