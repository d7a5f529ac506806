// SPDX-License-Identifier: Apache-2.0

using System.Buffers;

namespace KvmActors.Machine.Devices;

/// <summary>All devices of a VM as data, at one VM time.</summary>
/// <param name="ResetRequested">The guest has asked for a reset that nobody has done yet.</param>
/// <param name="PowerOffRequested">The guest has powered the machine off.</param>
public sealed record PlatformState(
    InterruptLinesState Lines,
    Pic8259State MasterPic,
    Pic8259State SlavePic,
    IoApicState IoApic,
    PitState Pit,
    RtcState Rtc,
    SerialState Serial,
    FirmwareConfigState FirmwareConfig,
    TestDeviceState TestDevice,
    KeyboardControllerState Keyboard,
    PowerControlState Power,
    bool ResetRequested,
    bool PowerOffRequested)
{
    /// <summary>The devices of a VM that was never switched on.</summary>
    public static PlatformState PowerOn { get; } = new Platform(
        new PlatformOptions(MemoryBytes: 0, VcpuCount: 1, RtcStartUnixSeconds: 0),
        new ArrayBufferWriter<byte>(),
        _ => { }).Save();
}
