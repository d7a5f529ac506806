// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Replay;
using KvmActors.Actors.Tests.Cluster;
using KvmActors.Cpu.Debugging;
using KvmActors.Cpu.State;
using KvmActors.Persistence.Events;
using Xunit;

namespace KvmActors.Actors.Tests.Replay;

/// <summary>Where two lives part, found from their journals.</summary>
public sealed class RunComparisonTests
{
    [Fact]
    public async Task Equal_lives_have_no_first_difference()
    {
        using Timeline first = await OpenAsync("one", "q");
        using Timeline second = await OpenAsync("one", "q");
        RunComparison comparison = new(first, second);

        Assert.Null(comparison.FirstInput());
        Assert.Null(await comparison.FindAsync(progress: null, CancellationToken.None));
        Assert.True(comparison.AreEqual());
    }

    [Fact]
    public async Task Lives_with_one_other_character_part_at_the_instruction_that_reads_it()
    {
        using Timeline first = await OpenAsync("one", "two", "q");
        using Timeline second = await OpenAsync("one", "twa", "q");
        RunComparison comparison = new(first, second);

        (ReplayEvent? one, ReplayEvent? other) = comparison.FirstInput()!.Value;
        ulong? equal = await comparison.FindAsync(progress: null, CancellationToken.None);
        (GuestTracer? stepped, GuestTracer? too) = await comparison.StepAsync(
            equal!.Value, observe: null, CancellationToken.None);

        Assert.Equal("two"u8.ToArray(), Assert.IsType<JournalEvent.InputArrived>(one!.Event).Bytes);
        Assert.Equal("twa"u8.ToArray(), Assert.IsType<JournalEvent.InputArrived>(other!.Event).Bytes);
        Assert.True(equal > one.VmTime, $"{equal} is not behind {one.VmTime}");
        DisassembledInstruction read = new Disassembler().Read(stepped!.Code, stepped.Mode, stepped.Rip);
        Assert.Equal("in al, dx", read.Text);
        Assert.Equal((stepped.At, stepped.LinearRip), (too!.At, too.LinearRip));
        Assert.Equal(('o', 'a'), ((char)(byte)stepped.After[(int)Gpr.Rax], (char)(byte)too.After[(int)Gpr.Rax]));
    }

    private static async Task<Timeline> OpenAsync(params string[] words)
    {
        TestCluster cluster = await EchoCluster.RecordAsync(5, secondRests: false, words);
        return await Timeline.OpenAsync(cluster.Store, TestCluster.Vm, TimeProvider.System, CancellationToken.None);
    }
}
