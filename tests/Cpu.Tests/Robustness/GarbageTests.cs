// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.State;
using KvmActors.Cpu.Tests.Execute;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Cpu.Tests.Robustness;

/// <summary>Whatever a guest is made of, a run ends within its budget, nothing is thrown, no memory but the guest's is
/// touched, and it is the same run however it is cut.</summary>
public sealed class GarbageTests(ITestOutputHelper output)
{
    private const double Half = 0.5;

    [Fact]
    public void Garbage_as_code_harms_only_its_guest() =>
        FuzzLoop.Run(output, seed => RunTwice(seed, spoilsTables: false), Half);

    [Fact]
    public void Garbage_as_descriptors_and_page_tables_harms_only_its_guest() =>
        FuzzLoop.Run(output, seed => RunTwice(seed, spoilsTables: true), Half);

    private static string RunTwice(int seed, bool spoilsTables)
    {
        using GarbageRun whole = new(seed, spoilsTables, cuts: null);
        using GarbageRun cut = new(seed, spoilsTables, new Random(seed));
        string[] expected = [whole.End, .. Lines(whole.State)];
        string[] found = [cut.End, .. Lines(cut.State)];
        if (!expected.SequenceEqual(found))
        {
            IEnumerable<string> differ = expected.Zip(
                found, (line, other) => line == other ? "" : $"{line}\n{other}\n");
            throw new InvalidOperationException($"Whole and cut run differ:\n{string.Concat(differ)}");
        }

        for (int page = 0; page < whole.Memory.PageCount; page++)
        {
            if (!whole.Memory.Page(page).SequenceEqual(cut.Memory.Page(page)))
            {
                throw new InvalidOperationException($"Cut and whole run differ in page {page:x}.");
            }
        }

        return whole.End;
    }

    private static IEnumerable<string> Lines(VcpuState state) =>
    [
        .. StateText.Of(state).Split('\n'),
        state.Events.ToString(),
        Convert.ToHexString(state.Apic.Registers.AsSpan()),
        $"{state.Apic.TimerDeadline} {state.Apic.TscDeadline}",
    ];
}
