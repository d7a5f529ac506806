// SPDX-License-Identifier: Apache-2.0

using System.Text.Json;
using KvmActors.Machine.Devices;
using KvmActors.Machine.Hashing;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Machine.Tests.Devices;

/// <summary>Two platforms live through the same random guest. One goes to each moment in one step, the other in many,
/// and is now and then saved and restored into a fresh one: nothing that a guest or a host can see may differ.
/// </summary>
public sealed class PlatformPropertyTests(ITestOutputHelper output)
{
    private const int Rounds = 150;
    private const int StepsPerRound = 200;

    private static readonly ushort[] s_ports =
    [
        0x20, 0x21, 0xA0, 0xA1, 0x4D0, 0x4D1, 0x40, 0x41, 0x42, 0x43, 0x40, 0x43, 0x61, 0x71, 0x71, 0x60, 0x64,
        0x92, 0xE1, 0x3F8, 0x3F9, 0x3FA, 0x3FB, 0x3FC, 0x3FD, 0x3FE, 0x511, 0xCF9, 0x8900, 0x2000, 0x2004, 0x2008,
        0x200E, 0x2015,
    ];

    private static readonly byte[] s_rtcRegisters =
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 11, 11, 11, 12, 12, 12, 13, 0x32, 0x40];

    [Fact]
    public void How_often_devices_are_advanced_saved_and_restored_cannot_be_told()
    {
        int seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        for (int round = 0; round < Rounds; round++)
        {
            Live(unchecked(seed + round));
        }
    }

    /// <summary>A state in words, for comparing.</summary>
    internal static string Text(PlatformState state) => JsonSerializer.Serialize(state);

    private static void Live(int seed)
    {
        Random guest = new(seed);
        Random host = new(~seed);
        PlatformRig whole = new();
        PlatformRig cut = new();
        List<string> sentByRetired = [];
        for (int step = 0; step < StepsPerRound; step++)
        {
            ulong time = whole.Now + Delay(guest);
            whole.GoTo(time);
            for (int i = host.Next(6); i > 0; i--)
            {
                cut.Pass((ulong)host.NextInt64((long)(time - cut.Now) + 1));
            }

            cut.GoTo(time);
            if (host.Next(20) == 0)
            {
                sentByRetired.AddRange(cut.Messages.Select(sent => sent.ToString()));
                PlatformState saved = cut.Platform.Save();
                cut = new PlatformRig();
                cut.Platform.Clock.VmTime = time;
                cut.Platform.Restore(saved);
            }

            int choice = guest.Next();
            uint expected = Act(whole, new Random(choice));
            uint found = Act(cut, new Random(choice));
            Assert.True(expected == found, $"seed {seed}, step {step}: {expected:x} in one step, {found:x} in many.");
            Assert.True(
                whole.Platform.NextDeadline == cut.Platform.NextDeadline,
                $"seed {seed}, step {step}: deadlines {whole.Platform.NextDeadline} and {cut.Platform.NextDeadline}.");
        }

        Assert.Equal(Text(whole.Platform.Save()), Text(cut.Platform.Save()));
        Assert.Equal(Hash(whole), Hash(cut));
        Assert.Equal(
            whole.Messages.Select(sent => sent.ToString()),
            sentByRetired.Concat(cut.Messages.Select(sent => sent.ToString())));
    }

    private static ulong Delay(Random guest) => guest.Next(12) switch
    {
        0 => (ulong)guest.NextInt64(3_000_000_000),
        < 4 => (ulong)guest.Next(50_000_000),
        < 8 => (ulong)guest.Next(100_000),
        _ => (ulong)guest.Next(1_000),
    };

    /// <summary>One thing that a guest does, and what it sees.</summary>
    private static uint Act(PlatformRig rig, Random choice)
    {
        switch (choice.Next(12))
        {
            case 0:
                return rig.Platform.HasExternalInterrupt ? rig.Platform.AcknowledgeExternalInterrupt() : 0x100u;
            case 1:
                rig.InitializePics(icw4: choice.Next(2) == 0 ? (byte)1 : (byte)choice.Next(32));
                return 0;
            case 2:
                byte register = (byte)choice.Next(0x42);
                rig.IoApicWrite(register, (uint)choice.Next() & ~(choice.Next(3) == 0 ? 0u : 0x1_0000));
                return rig.IoApicRead(register);
            case 3:
                rig.Platform.EndOfInterrupt((byte)choice.Next(256));
                return 0;
            case 4:
                rig.RtcWrite(Pick(choice, s_rtcRegisters), (byte)choice.Next(256));
                return 0;
            case 5:
                return rig.RtcRead(Pick(choice, s_rtcRegisters));
            case 6:
                rig.RtcWrite(0x0A, (byte)(0x20 | choice.Next(16)));
                rig.RtcWrite(0x0B, (byte)(choice.Next(8) << 4 | 2));
                return 0;
            case 7 when rig.Platform.Serial.InputRoomBytes > 100:
                rig.Platform.Serial.Inject(new byte[choice.Next(30)]);
                return 0;
            case 8:
                StartTimer(rig, choice);
                return 0;
            case < 10:
                return rig.In(Pick(choice, s_ports));
            default:
                rig.Out(Pick(choice, s_ports), (uint)choice.Next(256));
                return 0;
        }
    }

    /// <summary>Any mode, but no wave so fast that the test takes minutes.</summary>
    private static void StartTimer(PlatformRig rig, Random choice)
    {
        int counter = choice.Next(3);
        rig.Out(0x43, (uint)((counter << 6) | 0x30 | (choice.Next(8) << 1) | choice.Next(2)));
        rig.Out((ushort)(0x40 + counter), (uint)choice.Next(256));
        rig.Out((ushort)(0x40 + counter), (uint)choice.Next(1, 256));
    }

    private static T Pick<T>(Random choice, T[] items) => items[choice.Next(items.Length)];

    private static string Hash(PlatformRig rig)
    {
        CanonicalWriter writer = new();
        PlatformHasher.Write(writer, rig.Platform.Save());
        return Convert.ToHexString(writer.Written);
    }
}
