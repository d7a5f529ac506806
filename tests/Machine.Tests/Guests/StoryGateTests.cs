// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine.Loaders;
using KvmActors.Samples.Guests;
using Xunit;

namespace KvmActors.Machine.Tests.Guests;

/// <summary>The gate of the story guest: what makes a test or a demo independent of the machine's speed.</summary>
public sealed partial class StoryGateTests
{
    /// <summary>Before the sites of the second half, and about two million instructions from the start.</summary>
    private const int GateRound = 5;

    private static readonly Lazy<GuestRun> s_ungated = new(() => GuestRun.Of(Image(gateRound: null)));

    [Theory]
    [InlineData(10_000_000)]
    [InlineData(100_000_000)]
    [InlineData(1_000_000_000)]
    public void Without_a_key_it_waits_however_long_it_runs(ulong instructions)
    {
        var run = GuestRun.Of(Image(GateRound), instructionsMax: instructions);

        Assert.Equal(SoloRunStop.LimitReached, run.Result.Stop);
        Assert.Equal((instructions, instructions), (run.Result.VmTime, run.Result.InstructionsRetired));
        Assert.EndsWith($"\n{StoryGuest.GateLine}\n", run.Console, StringComparison.Ordinal);
        Assert.Equal(GateRound, run.Console.Split("\nround ").Length - 1);
    }

    [Theory]
    [InlineData(GateRound, 1_000_000, 0x6B)]
    [InlineData(GateRound, 7_000_001, 0x00)]
    [InlineData(GateRound, 50_000_000, 0xFF)]
    [InlineData(0, 9_000_000, 0x0A)]
    [InlineData(11, 9_000_000, 0x31)]
    public void Whenever_its_key_comes_it_goes_on_and_has_the_results_of_a_guest_without_a_gate(
        int gateRound, ulong keyAt, byte key)
    {
        GuestRun run = RunWithKey(gateRound, keyAt, key);

        Assert.Equal(1, run.Result.ExitCode);
        Assert.InRange(run.Result.VmTime, keyAt, ulong.MaxValue);
        string hex = key.ToString("x2", CultureInfo.InvariantCulture);
        string gate = $"{StoryGuest.GateLine}\nstory: took key 0x{hex}\n";
        Assert.Equal(2, run.Console.Split(gate).Length);
        Assert.Equal(
            Timeless(s_ungated.Value.Console),
            Timeless(run.Console.Replace(gate, "", StringComparison.Ordinal)));
    }

    [Fact]
    public void Moved_while_it_waits_it_is_patched_at_the_gate_and_at_the_later_sites_behind_it()
    {
        const ulong MoveAt = 20_000_000;
        const ulong KeyAt = 40_000_000;

        GuestRun run = RunWithKey(GateRound, KeyAt, (byte)'k', new SoloVendorChange(MoveAt, HostVendor.Amd));

        ImmutableArray<HypercallPatch> patches = run.Result.Patches;
        Assert.All(patches, patch => Assert.Equal(HostVendor.Amd, patch.Vendor));
        Assert.InRange(Assert.Single(patches, patch => patch.VmTime < KeyAt).VmTime, MoveAt, KeyAt);
        Assert.Equal(6, patches.Count(patch => patch.VmTime >= KeyAt));
        Assert.Equal(RunWithKey(GateRound, KeyAt, (byte)'k').Console, run.Console);
        Assert.Equal(1, run.Result.ExitCode);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(12)]
    public void A_gate_outside_of_its_rounds_is_refused(int gateRound) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Image(gateRound));

    private static GuestRun RunWithKey(int gateRound, ulong keyAt, byte key, params SoloVendorChange[] changes) =>
        GuestRun.Of(new SoloRunOptions(
            GuestRun.Spec(), Image(gateRound), TestCpuid.Table, HostVendor.Intel, 2_000_000_000, [.. changes])
        {
            Inputs = [new SoloInput(keyAt, [key])],
        });

    private static BootImage Image(int? gateRound) => BootImageLoader.Load(
        StoryGuest.Build(HostVendor.Intel, StoryGuestSize.Short with { GateRound = gateRound }), "story");

    /// <summary>Without the guest's own time, which goes on while it waits.</summary>
    private static string Timeless(string console) => TimeStamp().Replace(console, "");

    [GeneratedRegex("tsc=[0-9]+")]
    private static partial Regex TimeStamp();
}
