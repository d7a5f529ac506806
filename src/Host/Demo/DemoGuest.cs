// SPDX-License-Identifier: Apache-2.0

using System.Security.Cryptography;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine;
using KvmActors.Samples.Guests;

namespace KvmActors.Host.Demo;

/// <summary>What the demo boots.</summary>
internal sealed record DemoGuest(string Name, byte[] Image)
{
    public const ulong MemoryBytes = 64UL << 20;

    public const string CommandLine = "demo";

    public string Sha256 { get; } = Convert.ToHexStringLower(SHA256.HashData(Image));

    public static MachineSpec Spec { get; } =
        new(VcpuCount: 1, MemoryBytes, HypercallPatchPolicy.Auto, MachineSpec.TurnTicksDefault);

    /// <exception cref="CliFault">The image cannot be read.</exception>
    public static DemoGuest Load(DemoOptions options, CancellationToken stop)
    {
        if (options.GuestImage is not { } path)
        {
            int rounds = options.Rounds ?? DemoLength.Rounds(options, stop);
            return new DemoGuest(
                $"story guest of {rounds} rounds",
                StoryGuest.Build(options.Vendors[0], StoryGuestSize.Demo(rounds)));
        }

        try
        {
            return new DemoGuest(Path.GetFileName(path), File.ReadAllBytes(path));
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
