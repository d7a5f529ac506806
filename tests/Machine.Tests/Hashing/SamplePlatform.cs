// SPDX-License-Identifier: Apache-2.0

using KvmActors.Machine.Devices;

namespace KvmActors.Machine.Tests.Hashing;

/// <summary>A state of devices with something in every field, so that a change of any field can be seen.</summary>
internal static class SamplePlatform
{
    public static PlatformState State { get; } = new(
        new InterruptLinesState(ByDevices: 0x11, ByTestDevice: 0x80_0000),
        Pic(1),
        Pic(40),
        new IoApicState(
            Select: 0x12, Id: 3, Lines: 0x4, [.. Enumerable.Range(0, 24).Select(i => 0x1_0000ul + (ulong)i)]),
        new PitState(Channel(1), Channel(50), Channel(90), SystemControl: 3, DrivenClock: 77),
        new RtcState(
            Index: 0x8A,
            [.. Enumerable.Range(0, 128).Select(i => (byte)i)],
            Seconds: 1_767_225_600,
            DaysToWeekday: 4,
            Origin: ulong.MaxValue - 5,
            Flags: 0x50,
            SettledAt: 9_999),
        new SerialState(1, 2, 3, 4, 5, 6, Overrun: true, TransmitInterruptPending: false, [7, 8], 9),
        new FirmwareConfigState(Key: 5, Offset: 1),
        new TestDeviceState(Port: 0xDEAD_BEEF, [1, 2, 3]),
        new KeyboardControllerState(0x55, IsOutputFull: true, CommandByte: 0x34, Command: 0x60, WroteCommand: true),
        new PowerControlState(SystemControl: 1, ResetControl: 2, ShutdownLetters: 4),
        ResetRequested: false,
        PowerOffRequested: true);

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

    private static PitChannelState Channel(byte first) => new(
        Control: (byte)(first & 0x3F),
        CountRegister: (ushort)(first + 1),
        WritesHigh: true,
        ReadsHigh: false,
        Latched: (ushort)(first + 2),
        LatchedBytes: 2,
        Status: (byte)(first + 3),
        HasStatus: true,
        Gate: false,
        PitPhase.Counts,
        Period: 1000u + first,
        Start: 2000ul + first,
        NextPeriod: 3000u + first,
        NextStart: 4000ul + first);
}
