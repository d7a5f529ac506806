// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using Google.Protobuf;
using KvmActors.Machine.Devices;
using KvmActors.Persistence.Wire;

namespace KvmActors.Persistence.Snapshots;

/// <summary>The devices' state to and from its message. What comes from a store is checked: a device is given no value
/// that it could not have saved.</summary>
internal static class PlatformWire
{
    private const uint PitPeriodMax = 0x1_0000;

    internal static WirePlatformState Of(PlatformState platform) => new()
    {
        LinesByDevices = platform.Lines.ByDevices,
        LinesByTestDevice = platform.Lines.ByTestDevice,
        MasterPic = Of(platform.MasterPic),
        SlavePic = Of(platform.SlavePic),
        IoApic = Of(platform.IoApic),
        Pit = Of(platform.Pit),
        Rtc = Of(platform.Rtc),
        Serial = Of(platform.Serial),
        FirmwareConfigKey = platform.FirmwareConfig.Key,
        FirmwareConfigOffset = platform.FirmwareConfig.Offset,
        TestDevicePort = platform.TestDevice.Port,
        TestDeviceMemory = MachineWire.Of(platform.TestDevice.Memory),
        Keyboard = Of(platform.Keyboard),
        Power = Of(platform.Power),
        ResetRequested = platform.ResetRequested,
        PowerOffRequested = platform.PowerOffRequested,
    };

    /// <exception cref="WireFault">A value that no device has.</exception>
    internal static PlatformState From(WirePlatformState wire) => new(
        Lines: new InterruptLinesState(
            Lines(wire.LinesByDevices, "lines_by_devices"), Lines(wire.LinesByTestDevice, "lines_by_test_device")),
        MasterPic: From(WireFault.Present(wire.MasterPic, "master_pic")),
        SlavePic: From(WireFault.Present(wire.SlavePic, "slave_pic")),
        IoApic: From(WireFault.Present(wire.IoApic, "io_apic")),
        Pit: From(WireFault.Present(wire.Pit, "pit")),
        Rtc: From(WireFault.Present(wire.Rtc, "rtc")),
        Serial: From(WireFault.Present(wire.Serial, "serial")),
        FirmwareConfig: new FirmwareConfigState(
            MachineWire.Word(wire.FirmwareConfigKey, "firmware_config_key"), wire.FirmwareConfigOffset),
        TestDevice: new TestDeviceState(
            wire.TestDevicePort,
            Bytes(wire.TestDeviceMemory, 0, TestDeviceState.MemoryBytesMax, "test_device_memory")),
        Keyboard: From(WireFault.Present(wire.Keyboard, "keyboard")),
        Power: From(WireFault.Present(wire.Power, "power")),
        ResetRequested: wire.ResetRequested,
        PowerOffRequested: wire.PowerOffRequested);

    internal static WireSerialState Of(SerialState serial) => new()
    {
        InterruptEnable = serial.InterruptEnable,
        FifoControl = serial.FifoControl,
        LineControl = serial.LineControl,
        ModemControl = serial.ModemControl,
        Scratch = serial.Scratch,
        Divisor = serial.Divisor,
        Overrun = serial.Overrun,
        TransmitInterruptPending = serial.TransmitInterruptPending,
        Received = MachineWire.Of(serial.Received),
        ModemChanges = serial.ModemChanges,
    };

    internal static SerialState From(WireSerialState wire) => new(
        InterruptEnable: MachineWire.Byte(wire.InterruptEnable, "interrupt_enable"),
        FifoControl: MachineWire.Byte(wire.FifoControl, "fifo_control"),
        LineControl: MachineWire.Byte(wire.LineControl, "line_control"),
        ModemControl: MachineWire.Byte(wire.ModemControl, "modem_control"),
        Scratch: MachineWire.Byte(wire.Scratch, "scratch"),
        Divisor: MachineWire.Word(wire.Divisor, "divisor"),
        Overrun: wire.Overrun,
        TransmitInterruptPending: wire.TransmitInterruptPending,
        Received: Bytes(wire.Received, 0, SerialState.ReceivedBytesMax, "received"),
        ModemChanges: MachineWire.Byte(wire.ModemChanges, "modem_changes"));

    private static WirePicState Of(Pic8259State pic) => new()
    {
        Lines = pic.Lines,
        Edges = pic.Edges,
        InService = pic.InService,
        Mask = pic.Mask,
        LevelTriggered = pic.LevelTriggered,
        Icw1 = pic.Icw1,
        Icw2 = pic.Icw2,
        Icw3 = pic.Icw3,
        Icw4 = pic.Icw4,
        NextIcw = pic.NextIcw,
        LowestPriority = pic.LowestPriority,
        ReadsInService = pic.ReadsInService,
        Polls = pic.Polls,
        SpecialMask = pic.SpecialMask,
        RotatesOnAutoEnd = pic.RotatesOnAutoEnd,
    };

    private static Pic8259State From(WirePicState wire) => new(
        Lines: MachineWire.Byte(wire.Lines, "lines"),
        Edges: MachineWire.Byte(wire.Edges, "edges"),
        InService: MachineWire.Byte(wire.InService, "in_service"),
        Mask: MachineWire.Byte(wire.Mask, "mask"),
        LevelTriggered: MachineWire.Byte(wire.LevelTriggered, "level_triggered"),
        Icw1: MachineWire.Byte(wire.Icw1, "icw1"),
        Icw2: MachineWire.Byte(wire.Icw2, "icw2"),
        Icw3: MachineWire.Byte(wire.Icw3, "icw3"),
        Icw4: MachineWire.Byte(wire.Icw4, "icw4"),
        NextIcw: wire.NextIcw is 0 or 2 or 3 or 4
            ? (byte)wire.NextIcw
            : throw new WireFault($"Expected next_icw of 0, 2, 3 or 4, found {wire.NextIcw}."),
        LowestPriority: (byte)AtMost(wire.LowestPriority, 7, "lowest_priority"),
        ReadsInService: wire.ReadsInService,
        Polls: wire.Polls,
        SpecialMask: wire.SpecialMask,
        RotatesOnAutoEnd: wire.RotatesOnAutoEnd);

    private static WireIoApicState Of(IoApicState ioApic)
    {
        var wire = new WireIoApicState { Select = ioApic.Select, Id = ioApic.Id, Lines = ioApic.Lines };
        wire.Redirections.AddRange(ioApic.Redirections);
        return wire;
    }

    private static IoApicState From(WireIoApicState wire) => new(
        Select: MachineWire.Byte(wire.Select, "select"),
        Id: (byte)AtMost(wire.Id, 0xF, "id"),
        Lines: Lines(wire.Lines, "lines"),
        Redirections: wire.Redirections.Count == IoApicState.PinCount
            ? [.. wire.Redirections]
            : throw new WireFault(
                $"Expected {IoApicState.PinCount} redirections, found {wire.Redirections.Count}."));

    private static WirePitState Of(PitState pit) => new()
    {
        Channel0 = Of(pit.Channel0),
        Channel1 = Of(pit.Channel1),
        Channel2 = Of(pit.Channel2),
        SystemControl = pit.SystemControl,
        DrivenClock = pit.DrivenClock,
    };

    private static PitState From(WirePitState wire) => new(
        Channel0: From(WireFault.Present(wire.Channel0, "channel0")),
        Channel1: From(WireFault.Present(wire.Channel1, "channel1")),
        Channel2: From(WireFault.Present(wire.Channel2, "channel2")),
        SystemControl: (byte)AtMost(wire.SystemControl, 0xF, "system_control"),
        DrivenClock: wire.DrivenClock);

    private static WirePitChannelState Of(PitChannelState channel) => new()
    {
        Control = channel.Control,
        CountRegister = channel.CountRegister,
        WritesHigh = channel.WritesHigh,
        ReadsHigh = channel.ReadsHigh,
        Latched = channel.Latched,
        LatchedBytes = channel.LatchedBytes,
        Status = channel.Status,
        HasStatus = channel.HasStatus,
        Gate = channel.Gate,
        Phase = channel.Phase switch
        {
            PitPhase.WaitsForCount => WirePitPhase.WaitsForCount,
            PitPhase.WaitsForTrigger => WirePitPhase.WaitsForTrigger,
            PitPhase.Counts => WirePitPhase.Counts,
            PitPhase.Stopped => WirePitPhase.Stopped,
        },
        Period = channel.Period,
        Start = channel.Start,
        NextPeriod = channel.NextPeriod,
        NextStart = channel.NextStart,
    };

    private static PitChannelState From(WirePitChannelState wire) => new(
        Control: (byte)AtMost(wire.Control, 0x3F, "control"),
        CountRegister: MachineWire.Word(wire.CountRegister, "count_register"),
        WritesHigh: wire.WritesHigh,
        ReadsHigh: wire.ReadsHigh,
        Latched: MachineWire.Word(wire.Latched, "latched"),
        LatchedBytes: (byte)AtMost(wire.LatchedBytes, 2, "latched_bytes"),
        Status: MachineWire.Byte(wire.Status, "status"),
        HasStatus: wire.HasStatus,
        Gate: wire.Gate,
        Phase: wire.Phase switch
        {
            WirePitPhase.WaitsForCount => PitPhase.WaitsForCount,
            WirePitPhase.WaitsForTrigger => PitPhase.WaitsForTrigger,
            WirePitPhase.Counts => PitPhase.Counts,
            WirePitPhase.Stopped => PitPhase.Stopped,
            _ => throw WireFault.Unnamed(wire.Phase),
        },
        Period: wire.Period > 0
            ? AtMost(wire.Period, PitPeriodMax, "period")
            : throw new WireFault("Expected a period of at least 1, found 0."),
        Start: wire.Start,
        NextPeriod: AtMost(wire.NextPeriod, PitPeriodMax, "next_period"),
        NextStart: wire.NextStart);

    private static WireRtcState Of(RtcState rtc) => new()
    {
        Index = rtc.Index,
        Registers = MachineWire.Of(rtc.Registers),
        Seconds = rtc.Seconds,
        DaysToWeekday = rtc.DaysToWeekday,
        Origin = rtc.Origin,
        Flags = rtc.Flags,
        SettledAt = rtc.SettledAt,
    };

    private static RtcState From(WireRtcState wire) => new(
        Index: MachineWire.Byte(wire.Index, "index"),
        Registers: Bytes(wire.Registers, RtcState.RegisterCount, RtcState.RegisterCount, "registers"),
        Seconds: wire.Seconds,
        DaysToWeekday: (byte)AtMost(wire.DaysToWeekday, 6, "days_to_weekday"),
        Origin: wire.Origin,
        Flags: MachineWire.Byte(wire.Flags, "flags"),
        SettledAt: wire.SettledAt);

    private static WireKeyboardControllerState Of(KeyboardControllerState keyboard) => new()
    {
        Output = keyboard.Output,
        IsOutputFull = keyboard.IsOutputFull,
        CommandByte = keyboard.CommandByte,
        Command = keyboard.Command,
        WroteCommand = keyboard.WroteCommand,
    };

    private static KeyboardControllerState From(WireKeyboardControllerState wire) => new(
        Output: MachineWire.Byte(wire.Output, "output"),
        IsOutputFull: wire.IsOutputFull,
        CommandByte: MachineWire.Byte(wire.CommandByte, "command_byte"),
        Command: MachineWire.Byte(wire.Command, "command"),
        WroteCommand: wire.WroteCommand);

    private static WirePowerControlState Of(PowerControlState power) => new()
    {
        SystemControl = power.SystemControl,
        ResetControl = power.ResetControl,
        ShutdownLetters = power.ShutdownLetters,
    };

    private static PowerControlState From(WirePowerControlState wire) => new(
        SystemControl: (byte)AtMost(wire.SystemControl, 1, "system_control"),
        ResetControl: (byte)AtMost(wire.ResetControl, 2, "reset_control"),
        ShutdownLetters: (byte)AtMost(wire.ShutdownLetters, 7, "shutdown_letters"));

    private static uint Lines(uint value, string field) => AtMost(value, (1u << IoApicState.PinCount) - 1, field);

    private static uint AtMost(uint value, uint max, string field) => value <= max
        ? value
        : throw new WireFault($"Expected {field} of at most {max}, found {value}.");

    private static ImmutableArray<byte> Bytes(ByteString bytes, int min, int max, string field) =>
        bytes.Length >= min && bytes.Length <= max
            ? MachineWire.From(bytes)
            : throw new WireFault($"Expected {min} to {max} bytes of {field}, found {bytes.Length}.");
}
