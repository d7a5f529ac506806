// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine.Loaders;
using KvmActors.Machine.Tests.Loaders;
using KvmActors.Machine.Time;
using KvmActors.Samples.Guests;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Machine.Tests.Guests;

/// <summary>Guests of random bytes: whatever they do, they end or go on, and twice the same way.</summary>
public sealed class RandomCodeTests(ITestOutputHelper output)
{
    private const int Guests = 60;
    private const ulong InstructionsMax = 10_000;

    [Fact]
    public void Random_code_in_real_mode_harms_only_itself() =>
        RunMany(random => BootImageLoader.Flat(Bytes(random, 2048), ""));

    [Fact]
    public void Random_code_in_protected_mode_harms_only_itself() =>
        RunMany(random => BootImageLoader.Load(ImageBuilder.Elf(is64: false, Bytes(random, 2048)), ""));

    [Fact]
    public void A_story_guest_with_random_damage_harms_only_itself() => RunMany(
        random =>
        {
            byte[] file = StoryGuest.Build(HostVendor.Intel, StoryGuestSize.Short);
            for (int i = 0; i < 60; i++)
            {
                file[random.Next(0x1010, 0x4000)] = (byte)random.Next(256);
            }

            return BootImageLoader.Load(file, "");
        });

    private void RunMany(Func<Random, BootImage> make)
    {
        int seed = Random.Shared.Next();
        Dictionary<string, int> ends = [];
        for (int guest = 0; guest < Guests; guest++)
        {
            BootImage image = make(new Random(seed + guest));
            (string end, string hash) = Run(image, cuts: null);
            (string sameEnd, string sameHash) = Run(image, new Random(seed + guest));
            Assert.True(
                (end, hash) == (sameEnd, sameHash),
                $"seed {seed + guest}: {end} {hash}, in pieces {sameEnd} {sameHash}");
            string kind = end.Split(' ', 2)[0];
            ends[kind] = ends.GetValueOrDefault(kind) + 1;
        }

        output.WriteLine($"seed {seed}: {string.Join(", ", ends.OrderBy(pair => pair.Key))}");
    }

    private static (string End, string Hash) Run(BootImage image, Random? cuts)
    {
        using VirtualMachine machine = GuestRun.Machine(image);
        while (machine.End is null && machine.VmTime < InstructionsMax)
        {
            ulong until = cuts is null ? InstructionsMax : machine.VmTime + (ulong)cuts.Next(1, 2000);
            _ = machine.RunSlice(new SliceLimits(Math.Min(until, InstructionsMax), () => cuts is not null));
        }

        return (machine.End?.ToString() ?? "running", $"{machine.HashState()} {machine.SumMemory()}");
    }

    private static byte[] Bytes(Random random, int count)
    {
        byte[] bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }
}
