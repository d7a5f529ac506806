// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Models;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;
using Xunit;

namespace KvmActors.Kvm.Tests;

/// <summary>The oracle's guest, on this project's own engine: runs on every machine.</summary>
public sealed class KvmCpuidProgramTests
{
    [Fact]
    public void The_guest_asks_every_question_once_and_halts()
    {
        CpuidTable table = CpuidModels.Find("amd-milan")!.Table;
        (uint Leaf, uint Subleaf)[] questions = [.. table.Entries.Select(entry => (entry.Leaf, entry.Subleaf))];
        byte[] bytes = KvmCpuidProgram.Memory(questions);
        using GuestMemory memory = new(KvmCpuidProgram.MemoryBytes);
        memory.Write(new Gpa(0), bytes);
        using Vcpu vcpu = new(0, memory) { Cpuid = table };
        EnterProgram(vcpu, questions.Length);

        vcpu.Run(budget: 100_000, vmTime: 0);
        memory.Read(new Gpa(0), bytes);

        // Eleven instructions a question and HLT.
        Assert.Equal((11ul * (ulong)questions.Length) + 1, vcpu.InstructionsRetired);
        Assert.Equal(
            questions.Select(question => table.Query(question.Leaf, question.Subleaf, CpuidRuntime.Reset)),
            KvmCpuidProgram.Answers(bytes, questions.Length));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(KvmCpuidProgram.QueriesMax + 1)]
    public void More_questions_than_have_room_are_refused(int count) => Assert.Throws<ArgumentException>(
        () => KvmCpuidProgram.Memory([.. Enumerable.Repeat((0u, 0u), count)]));

    private static void EnterProgram(Vcpu vcpu, int questions)
    {
        VcpuState state = vcpu.Save();
        ImmutableArray<ulong> registers = state.Gprs
            .SetItem((int)Gpr.Rsi, KvmCpuidProgram.QuestionsAddress)
            .SetItem((int)Gpr.Rdi, KvmCpuidProgram.AnswersAddress)
            .SetItem((int)Gpr.Rbp, (ulong)questions);
        SegmentState code = new(Selector: 0, Base: 0, Limit: 0xFFFF, Attributes: 0x9B);
        vcpu.Restore(state with
        {
            Rip = KvmCpuidProgram.CodeAddress,
            Gprs = registers,
            Segments = state.Segments.SetItem((int)SegmentName.Cs, code),
        });
    }
}
