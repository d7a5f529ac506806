// SPDX-License-Identifier: Apache-2.0

using Google.Protobuf;
using KvmActors.Machine.Devices;
using KvmActors.Persistence.Snapshots;
using KvmActors.Persistence.Wire;
using Xunit.Abstractions;

namespace KvmActors.Persistence.Tests.Snapshots;

public class PlatformWireTests(ITestOutputHelper output)
{
    /// <summary>Every field has a value of its own, so that a forgotten or swapped one shows.</summary>
    private static readonly PlatformState s_state = new(
        new InterruptLinesState(ByDevices: 0x11, ByTestDevice: 0x80_0000),
        Pic(1),
        Pic(40),
        new IoApicState(Select: 0x12, Id: 3, Lines: 0x4, [.. Enumerable.Range(0, 24).Select(i => (ulong)i << 50)]),
        new PitState(
            Channel(1, PitPhase.WaitsForTrigger),
            Channel(20, PitPhase.Stopped),
            Channel(30, PitPhase.WaitsForCount),
            SystemControl: 3,
            DrivenClock: 77),
        new RtcState(
            Index: 0x8A,
            [.. Enumerable.Range(0, 128).Select(i => (byte)(i + 7))],
            Seconds: 1_767_225_600,
            DaysToWeekday: 4,
            Origin: ulong.MaxValue - 5,
            Flags: 0x50,
            SettledAt: 9_999),
        new SerialState(1, 2, 3, 4, 5, 6, Overrun: true, TransmitInterruptPending: false, [7, 8], 9),
        new FirmwareConfigState(Key: 0x8002, Offset: 3),
        new TestDeviceState(Port: 0xDEAD_BEEF, [1, 2, 3]),
        new KeyboardControllerState(0x55, IsOutputFull: true, CommandByte: 0x34, Command: 0x60, WroteCommand: true),
        new PowerControlState(SystemControl: 1, ResetControl: 2, ShutdownLetters: 4),
        ResetRequested: false,
        PowerOffRequested: true);

    public static TheoryData<string> Damages =>
    [
        "pic", "byte", "priority", "icw", "redirections", "lines", "phase", "no phase", "period", "no period",
        "registers", "weekday", "memory", "input", "letters", "latch",
    ];

    [Fact]
    public void Devices_come_back_as_they_were()
    {
        WirePlatformState wire = WirePlatformState.Parser.ParseFrom(PlatformWire.Of(s_state).ToByteArray());

        Assert.Equal(DeepText.Of(s_state), DeepText.Of(PlatformWire.From(wire)));
    }

    [Theory]
    [MemberData(nameof(Damages))]
    public void What_no_device_could_have_saved_is_refused(string damage)
    {
        WirePlatformState wire = PlatformWire.Of(s_state);
        Damage(wire, damage);

        WireFault fault = Assert.Throws<WireFault>(() => PlatformWire.From(wire));

        Assert.StartsWith("Expected ", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void No_changed_byte_is_met_with_another_exception()
    {
        int seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        byte[] whole = PlatformWire.Of(s_state).ToByteArray();
        for (int i = 0; i < 2000; i++)
        {
            byte[] changed = [.. whole];
            int at = random.Next(changed.Length);
            changed[at] = (byte)random.Next(256);

            Exception? fault = Record.Exception(
                () => PlatformWire.From(WirePlatformState.Parser.ParseFrom(changed)));

            Assert.True(
                fault is null or WireFault or InvalidProtocolBufferException, $"seed {seed}, byte {at}: {fault}");
        }
    }

    private static void Damage(WirePlatformState wire, string damage)
    {
        switch (damage)
        {
            case "pic":
                wire.SlavePic = null;
                break;
            case "byte":
                wire.MasterPic.Mask = 256;
                break;
            case "priority":
                wire.MasterPic.LowestPriority = 8;
                break;
            case "icw":
                wire.MasterPic.NextIcw = 1;
                break;
            case "redirections":
                wire.IoApic.Redirections.RemoveAt(0);
                break;
            case "lines":
                wire.LinesByDevices = 1 << 24;
                break;
            case "phase":
                wire.Pit.Channel0.Phase = (WirePitPhase)9;
                break;
            case "no phase":
                wire.Pit.Channel0.Phase = WirePitPhase.Unspecified;
                break;
            case "period":
                wire.Pit.Channel1.Period = 65_537;
                break;
            case "no period":
                wire.Pit.Channel1.Period = 0;
                break;
            case "registers":
                wire.Rtc.Registers = ByteString.CopyFrom(new byte[127]);
                break;
            case "weekday":
                wire.Rtc.DaysToWeekday = 7;
                break;
            case "memory":
                wire.TestDeviceMemory = ByteString.CopyFrom(new byte[65_537]);
                break;
            case "input":
                wire.Serial.Received = ByteString.CopyFrom(new byte[65_537]);
                break;
            case "letters":
                wire.Power.ShutdownLetters = 8;
                break;
            default:
                wire.Pit.Channel2.LatchedBytes = 3;
                break;
        }
    }

    private static Pic8259State Pic(byte first) => new(
        first++,
        first++,
        first++,
        first++,
        first++,
        first++,
        first++,
        first++,
        first++,
        NextIcw: 3,
        LowestPriority: 5,
        ReadsInService: true,
        Polls: false,
        SpecialMask: true,
        RotatesOnAutoEnd: false);

    private static PitChannelState Channel(byte first, PitPhase phase) => new(
        Control: first,
        CountRegister: (ushort)(first + 1),
        WritesHigh: true,
        ReadsHigh: false,
        Latched: (ushort)(first + 2),
        LatchedBytes: 2,
        Status: (byte)(first + 3),
        HasStatus: true,
        Gate: false,
        phase,
        Period: 1000u + first,
        Start: ulong.MaxValue - first,
        NextPeriod: 3000u + first,
        NextStart: 4000ul + first);
}
