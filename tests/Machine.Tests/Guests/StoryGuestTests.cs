// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine.Hashing;
using KvmActors.Machine.Loaders;
using KvmActors.Machine.Time;
using KvmActors.Samples.Guests;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Machine.Tests.Guests;

public sealed class StoryGuestTests(ITestOutputHelper output)
{
    private const int Sites = 7;
    private static readonly StoryGuestSize s_size = StoryGuestSize.Short;
    private static readonly Lazy<GuestRun> s_native = new(() => GuestRun.Of(Image(HostVendor.Intel)));

    [Fact]
    public void Its_digest_and_its_primes_are_those_of_other_implementations()
    {
        Dictionary<string, string> results = ResultsOf(s_native.Value.Console);

        Assert.Equal(ExpectedDigest(), results["sha256"]);
        Assert.Equal(ExpectedPrimes().ToString(CultureInfo.InvariantCulture), results["primes"]);
        Assert.Equal(ExpectedHypercalls().ToString(CultureInfo.InvariantCulture), results["hypercalls"]);
        Assert.Equal("7", results["exceptions"]);
        Assert.Equal("0", results["failures"]);
    }

    [Fact]
    public void It_ends_through_the_debug_exit_port_with_exit_code_1_and_a_line_for_each_round()
    {
        GuestRun run = s_native.Value;
        output.WriteLine(run.Console);
        output.WriteLine($"{run.Result.InstructionsRetired} instructions");

        Assert.Equal(new MachineEnd.DebugExit(0), run.Result.End);
        Assert.Equal(1, run.Result.ExitCode);
        Assert.Equal(s_size.Rounds, run.Console.Split("\nround ").Length - 1);
        Assert.Contains("cpuid: vendor GenuineIntel\n", run.Console, StringComparison.Ordinal);
        Assert.Contains("cpuid: brand A test's own processor at 1 GHz\n", run.Console, StringComparison.Ordinal);
        Assert.Contains("cpuid: hypervisor KVMKVMKVM\n", run.Console, StringComparison.Ordinal);
        Assert.Contains("cpuid: 00000004.01 eax=00000122", run.Console, StringComparison.Ordinal);
        Assert.Equal(Sites, run.Console.Split(" as expected\n").Length - 1);
        Assert.Equal((ulong)run.Console.Length, run.Result.ConsoleBytes);
    }

    [Theory]
    [InlineData(HostVendor.Intel, HostVendor.Intel, HypercallPatchPolicy.Auto, 0)]
    [InlineData(HostVendor.Amd, HostVendor.Amd, HypercallPatchPolicy.Auto, 0)]
    [InlineData(HostVendor.Intel, HostVendor.Amd, HypercallPatchPolicy.Auto, Sites)]
    [InlineData(HostVendor.Amd, HostVendor.Intel, HypercallPatchPolicy.Auto, Sites)]
    [InlineData(HostVendor.Intel, HostVendor.Amd, HypercallPatchPolicy.Patch, Sites)]
    [InlineData(HostVendor.Amd, HostVendor.Intel, HypercallPatchPolicy.Emulate, 0)]
    public void It_cannot_tell_on_which_vendor_it_runs(
        HostVendor builtFor,
        HostVendor host,
        HypercallPatchPolicy policy,
        int patches)
    {
        var run = GuestRun.Of(Image(builtFor), host, policy);

        Assert.Equal(patches, run.Result.Patches.Length);
        Assert.Equal(patches, run.Result.Patches.Select(patch => patch.Gpa).Distinct().Count());
        Assert.All(run.Result.Patches, patch => Assert.Equal(host, patch.Vendor));
        Assert.Equal(s_native.Value.Result.InstructionsRetired, run.Result.InstructionsRetired);
        Assert.Equal(1, run.Result.ExitCode);
        Assert.Equal(WithoutBanner(s_native.Value.Console), WithoutBanner(run.Console));
    }

    [Fact]
    public void Without_patching_it_gets_its_invalid_opcode_itself()
    {
        var run = GuestRun.Of(Image(HostVendor.Intel), HostVendor.Amd, HypercallPatchPolicy.Inject);

        Assert.Equal(3, run.Result.ExitCode);
        Assert.Contains("exception: UNEXPECTED vector 6 at rip", run.Console, StringComparison.Ordinal);
    }

    [Fact]
    public void Vendor_changes_in_the_middle_change_nothing_that_it_prints_and_later_sites_are_patched_later()
    {
        ulong third = s_native.Value.Result.VmTime / 3;
        SoloVendorChange toAmd = new(third, HostVendor.Amd);
        SoloVendorChange back = new(2 * third, HostVendor.Intel);

        var moved = GuestRun.Of(Image(HostVendor.Intel), changes: [toAmd, back]);

        Assert.Equal(s_native.Value.Console, moved.Console);
        Assert.Equal(s_native.Value.Result.InstructionsRetired, moved.Result.InstructionsRetired);
        HypercallPatch[] onAmd = [.. moved.Result.Patches.Where(patch => patch.Vendor == HostVendor.Amd)];
        HypercallPatch[] backOnIntel = [.. moved.Result.Patches.Where(patch => patch.Vendor == HostVendor.Intel)];
        Assert.Equal(4, onAmd.Length);
        Assert.Equal(4, backOnIntel.Length);
        Assert.All(onAmd, patch => Assert.InRange(patch.VmTime, third, 2 * third));
        Assert.True(
            onAmd[^1].VmTime > onAmd[0].VmTime + (third / 8),
            "The fourth site is met only rounds after the move.");
        Assert.All(backOnIntel, patch => Assert.True(patch.VmTime >= 2 * third));
    }

    [Fact]
    public void However_its_run_is_sliced_saved_and_restored_it_ends_in_the_same_state()
    {
        int seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        Random random = new(seed);
        ulong third = s_native.Value.Result.VmTime / 3;
        SoloVendorChange change = new(third, HostVendor.Amd);
        var whole = GuestRun.Of(Image(HostVendor.Intel), changes: [change]);

        VirtualMachine machine = GuestRun.Machine(Image(HostVendor.Intel));
        try
        {
            bool changed = false;
            while (machine.End is null)
            {
                ulong until = machine.VmTime + (ulong)random.NextInt64(1, random.Next(2) == 0 ? 100 : 400_000);
                until = changed ? until : Math.Min(until, third);
                _ = machine.RunSlice(new SliceLimits(until, () => random.Next(4) == 0));
                if (machine.VmTime == third && !changed)
                {
                    machine.HostVendor = HostVendor.Amd;
                    changed = true;
                }

                if (random.Next(3) == 0)
                {
                    machine = MovedThroughASave(machine);
                }
            }

            Assert.Equal(whole.Result.StateHash, machine.HashState());
            Assert.Equal(whole.Result.MemorySum, machine.SumMemory());
            Assert.Equal(whole.Result.MemorySum, MemorySummer.SumFromScratch(machine.Memory));
        }
        finally
        {
            machine.Dispose();
        }
    }

    [Fact]
    public void The_instruction_limit_stops_it_exactly_there()
    {
        var run = GuestRun.Of(Image(HostVendor.Intel), instructionsMax: 1_234_567);

        Assert.Equal(SoloRunStop.LimitReached, run.Result.Stop);
        Assert.Null(run.Result.End);
        Assert.Equal(1_234_567u, run.Result.InstructionsRetired);
        Assert.Equal(1_234_567u, run.Result.VmTime);
        Assert.Equal(8, run.Result.ExitCode);
        Assert.StartsWith(run.Console, s_native.Value.Console, StringComparison.Ordinal);
    }

    [Fact]
    public void The_same_arguments_build_the_same_bytes()
    {
        Assert.Equal(
            StoryGuest.Build(HostVendor.Amd, StoryGuestSize.Demo(rounds: 2000)),
            StoryGuest.Build(HostVendor.Amd, StoryGuestSize.Demo(rounds: 2000)));
    }

    private static BootImage Image(HostVendor builtFor) =>
        BootImageLoader.Load(StoryGuest.Build(builtFor, s_size), "story");

    private static VirtualMachine MovedThroughASave(VirtualMachine machine)
    {
        List<(int PageNumber, ReadOnlyMemory<byte> Bytes)> pages = [];
        for (int page = 0; page < machine.Memory.PageCount; page++)
        {
            if (!machine.Memory.IsZero(page))
            {
                pages.Add((page, machine.Memory.Page(page).ToArray()));
            }
        }

        MachineState state = machine.Save();
        machine.Dispose();
        var restored = VirtualMachine.Restore(machine.Spec, state, pages);
        Assert.Equal(StateHasher.Hash(state), restored.HashState());
        return restored;
    }

    private static Dictionary<string, string> ResultsOf(string console) => console
        .Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]
        .Split(' ')[1..]
        .Select(pair => pair.Split('='))
        .ToDictionary(pair => pair[0], pair => pair[1]);

    // The first line names the instruction the guest was built with.
    private static string WithoutBanner(string console) =>
        console[(console.IndexOf('\n', StringComparison.Ordinal) + 1)..];

    private static string ExpectedDigest()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        ulong x = StoryGuest.GeneratorSeed;
        byte[] bytes = new byte[8];
        for (int i = 0; i < s_size.Rounds * s_size.BufferBytes / 8; i++)
        {
            x = unchecked((x * StoryGuest.GeneratorFactor) + StoryGuest.GeneratorSummand);
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, x);
            hash.AppendData(bytes);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static int ExpectedPrimes() => Enumerable.Range(2, (s_size.Rounds * s_size.SegmentNumbers) - 2)
        .Count(number => Enumerable.Range(2, (int)Math.Sqrt(number) - 1).All(divisor => number % divisor != 0));

    private static int ExpectedHypercalls()
    {
        int rounds = s_size.Rounds;
        return 1 + (3 * rounds) + (rounds - (rounds / 2)) + (rounds - (rounds * 2 / 3)) + (rounds - (rounds * 5 / 6));
    }
}
