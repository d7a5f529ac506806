// SPDX-License-Identifier: Apache-2.0

using KvmActors.Machine.Devices;

namespace KvmActors.Machine.Hashing;

/// <summary>Writes the devices' part of a <see cref="StateHash"/>. The rules of <see cref="StateHasher"/> hold
/// here.</summary>
internal static class PlatformHasher
{
    public static void Write(CanonicalWriter writer, PlatformState platform)
    {
        writer.UInt32(platform.Lines.ByDevices);
        writer.UInt32(platform.Lines.ByTestDevice);
        WritePic(writer, platform.MasterPic);
        WritePic(writer, platform.SlavePic);
        WriteIoApic(writer, platform.IoApic);
        WritePit(writer, platform.Pit);
        WriteRtc(writer, platform.Rtc);
        StateHasher.WriteSerial(writer, platform.Serial);
        writer.UInt16(platform.FirmwareConfig.Key);
        writer.UInt32(platform.FirmwareConfig.Offset);
        writer.UInt32(platform.TestDevice.Port);
        writer.Bytes(platform.TestDevice.Memory);
        WriteKeyboard(writer, platform.Keyboard);
        writer.Byte(platform.Power.SystemControl);
        writer.Byte(platform.Power.ResetControl);
        writer.Byte(platform.Power.ShutdownLetters);
        writer.Flag(platform.ResetRequested);
        writer.Flag(platform.PowerOffRequested);
    }

    private static void WritePic(CanonicalWriter writer, Pic8259State pic)
    {
        writer.Byte(pic.Lines);
        writer.Byte(pic.Edges);
        writer.Byte(pic.InService);
        writer.Byte(pic.Mask);
        writer.Byte(pic.LevelTriggered);
        writer.Byte(pic.Icw1);
        writer.Byte(pic.Icw2);
        writer.Byte(pic.Icw3);
        writer.Byte(pic.Icw4);
        writer.Byte(pic.NextIcw);
        writer.Byte(pic.LowestPriority);
        writer.Flag(pic.ReadsInService);
        writer.Flag(pic.Polls);
        writer.Flag(pic.SpecialMask);
        writer.Flag(pic.RotatesOnAutoEnd);
    }

    private static void WriteIoApic(CanonicalWriter writer, IoApicState ioApic)
    {
        writer.Byte(ioApic.Select);
        writer.Byte(ioApic.Id);
        writer.UInt32(ioApic.Lines);
        writer.List(ioApic.Redirections, writer.UInt64);
    }

    private static void WritePit(CanonicalWriter writer, PitState pit)
    {
        WriteChannel(writer, pit.Channel0);
        WriteChannel(writer, pit.Channel1);
        WriteChannel(writer, pit.Channel2);
        writer.Byte(pit.SystemControl);
        writer.UInt64(pit.DrivenClock);
    }

    private static void WriteChannel(CanonicalWriter writer, PitChannelState channel)
    {
        writer.Byte(channel.Control);
        writer.UInt16(channel.CountRegister);
        writer.Flag(channel.WritesHigh);
        writer.Flag(channel.ReadsHigh);
        writer.UInt16(channel.Latched);
        writer.Byte(channel.LatchedBytes);
        writer.Byte(channel.Status);
        writer.Flag(channel.HasStatus);
        writer.Flag(channel.Gate);
        writer.Int32((int)channel.Phase);
        writer.UInt32(channel.Period);
        writer.UInt64(channel.Start);
        writer.UInt32(channel.NextPeriod);
        writer.UInt64(channel.NextStart);
    }

    private static void WriteRtc(CanonicalWriter writer, RtcState rtc)
    {
        writer.Byte(rtc.Index);
        writer.Bytes(rtc.Registers);
        writer.UInt64(rtc.Seconds);
        writer.Byte(rtc.DaysToWeekday);
        writer.UInt64(rtc.Origin);
        writer.Byte(rtc.Flags);
        writer.UInt64(rtc.SettledAt);
    }

    private static void WriteKeyboard(CanonicalWriter writer, KeyboardControllerState keyboard)
    {
        writer.Byte(keyboard.Output);
        writer.Flag(keyboard.IsOutputFull);
        writer.Byte(keyboard.CommandByte);
        writer.Byte(keyboard.Command);
        writer.Flag(keyboard.WroteCommand);
    }
}
