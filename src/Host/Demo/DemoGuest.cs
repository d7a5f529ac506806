// SPDX-License-Identifier: Apache-2.0

using System.Security.Cryptography;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine;
using KvmActors.Samples.Guests;

namespace KvmActors.Host.Demo;

/// <summary>What the demo boots.</summary>
/// <param name="WorkInstructions">Of the story guest: about how many its rounds are, without its waiting at the gate,
/// which is behind three quarters of them. Null: another guest, which has no gate and whose length only a run
/// tells.</param>
internal sealed record DemoGuest(string Name, byte[] Image, ulong? WorkInstructions)
{
    public const ulong MemoryBytes = 64UL << 20;

    public const string CommandLine = "demo";

    /// <summary>True if it cannot end before it gets a key.</summary>
    public bool HasGate => WorkInstructions is not null;

    public string Sha256 { get; } = Convert.ToHexStringLower(SHA256.HashData(Image));

    public static MachineSpec Spec { get; } =
        new(VcpuCount: 1, MemoryBytes, HypercallPatchPolicy.Auto, MachineSpec.TurnTicksDefault);

    /// <exception cref="CliFault">The image cannot be read.</exception>
    public static DemoGuest Load(DemoOptions options)
    {
        if (options.GuestImage is not { } path)
        {
            var work = StoryGuestSize.Demo(options.Rounds);
            StoryGuestSize size = work with { GateRound = work.Rounds * 3 / 4 };
            return new DemoGuest(
                $"story guest of {size.Rounds} rounds",
                StoryGuest.Build(options.Vendors[0], size),
                (ulong)(size.Rounds * size.InstructionsPerRound));
        }

        try
        {
            return new DemoGuest(Path.GetFileName(path), File.ReadAllBytes(path), WorkInstructions: null);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CliFault(
                $"Expected a guest image at {path}, found none that can be read: {fault.Message} Check the path.",
                fault,
                CliFault.Usage);
        }
    }
}
