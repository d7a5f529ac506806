// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Tests.Robustness;
using KvmActors.Machine.Loaders;
using KvmActors.Machine.Tests.Guests;
using KvmActors.Machine.Time;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Machine.Tests.Robustness;

/// <summary>Whatever bytes a file has, it is refused with a reason, or it boots.</summary>
public sealed class GarbageImageTests(ITestOutputHelper output)
{
    private const ulong InstructionsMax = 2_000;

    [Fact]
    public void Garbage_as_an_image_is_refused_or_runs() => FuzzLoop.Run(output, seed =>
    {
        Random random = new(seed);
        byte[] file = GarbageImages.Of(random);
        string commandLine = new('x', random.Next(3) == 0 ? random.Next(5_000) : 0);
        try
        {
            BootImage image = BootImageLoader.Load(file, commandLine);
            using VirtualMachine machine = GuestRun.Machine(image);
            _ = machine.RunSlice(new SliceLimits(InstructionsMax, () => false));
            return machine.End is null ? "runs" : "ends";
        }
        catch (BootImageException refusal)
        {
            return refusal.Message.Length > 0 ? "refused" : throw new InvalidOperationException("No reason.");
        }
    });
}
