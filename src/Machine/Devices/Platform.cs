// SPDX-License-Identifier: Apache-2.0

using System.Buffers;
using System.Collections.Immutable;
using KvmActors.Cpu.Apic;

namespace KvmActors.Machine.Devices;

/// <summary>The PC around the vCPUs: its devices, their ports, memory-mapped registers and interrupt lines.</summary>
/// <remarks>
/// <para>Its owner sets <see cref="Clock"/> and then reads, writes, acknowledges or advances. Each of these first does
/// what is due until then, in the order of time, so that nobody can tell in how many steps a VM time was
/// reached.</para>
/// <para><see cref="Save"/> alone does not, for it must not have effects: the state at a VM time is the one before or
/// behind <see cref="Advance"/> at that time, whichever its owner always takes.</para>
/// <para>docs/machine.md tells ports, addresses and lines. Not thread-safe.</para>
/// </remarks>
internal sealed class Platform
{
    private const int SerialLine = 4;

    private readonly InterruptLines _lines;
    private readonly PicPair _pics;
    private readonly IoApic _ioApic;
    private readonly Pit8254 _pit;
    private readonly Rtc146818 _rtc;
    private readonly FirmwareConfig _firmwareConfig;
    private readonly TestDevice _testDevice;
    private readonly KeyboardController _keyboard;
    private readonly PowerControl _power;
    private readonly ImmutableArray<ITimedDevice> _timed;
    private readonly PlatformState _powerOn;

    /// <param name="console">Takes each byte that the guest sends through the serial port.</param>
    /// <param name="sendToApics">Takes each message of the I/O APIC to local APICs.</param>
    public Platform(PlatformOptions options, IBufferWriter<byte> console, Action<InterruptMessage> sendToApics)
    {
        _ioApic = new IoApic(sendToApics);
        _pics = new PicPair(level => _ioApic.SetLine(0, level));
        _lines = new InterruptLines(_pics, _ioApic);
        _pit = new Pit8254(Clock, level => _lines.SetByDevice(InterruptLines.Timer, level));
        _rtc = new Rtc146818(Clock, options, level => _lines.SetByDevice(InterruptLines.Clock, level));
        Serial = new Serial16550(console, level => _lines.SetByDevice(SerialLine, level));
        _firmwareConfig = new FirmwareConfig(options);
        _testDevice = new TestDevice(_lines.SetByTestDevice);
        _keyboard = new KeyboardController(() => ResetRequested = true);
        _power = new PowerControl(() => ResetRequested = true, () => PowerOffRequested = true);
        _timed = [_pit, _rtc];
        Bus = new PortBus(
            [
                .. _pics.Ports,
                .. _pit.Ports,
                _rtc.Port,
                Serial,
                _firmwareConfig,
                .. _testDevice.Ports,
                .. _keyboard.Ports,
                .. _power.Ports,
                DebugExit,
            ],
            Advance);
        _powerOn = Save();
    }

    public DeviceClock Clock { get; } = new();

    public PortBus Bus { get; }

    public Serial16550 Serial { get; }

    public DebugExitPort DebugExit { get; } = new();

    /// <summary>The guest has asked for a reset: true until <see cref="Reset"/>.</summary>
    public bool ResetRequested { get; private set; }

    /// <summary>The guest has powered the machine off.</summary>
    public bool PowerOffRequested { get; private set; }

    /// <summary>The VM time at which a device next does something by itself, or null. It may lie in the past.</summary>
    public ulong? NextDeadline => Earliest(isHeard: false);

    /// <summary>The earliest <see cref="NextDeadline"/> of which a vCPU can hear, as interrupts are masked now.
    /// </summary>
    public ulong? NextHeard => Earliest(isHeard: true);

    /// <summary>The 8259 pair's INTR output.</summary>
    public bool HasExternalInterrupt
    {
        get
        {
            Advance();
            return _pics.HasInterrupt;
        }
    }

    /// <summary>The processor's interrupt acknowledge cycles.</summary>
    /// <returns>The vector; a spurious one if the 8259 pair asks for nothing any more.</returns>
    public byte AcknowledgeExternalInterrupt()
    {
        Advance();
        return _pics.Acknowledge();
    }

    /// <summary>Does all that is due at the clock's VM time, in order.</summary>
    public void Advance()
    {
        ulong now = Clock.VmTime;
        while (NextDeadline is { } deadline && deadline <= now)
        {
            Clock.VmTime = deadline;
            foreach (ITimedDevice device in _timed)
            {
                device.Advance();
            }
        }

        Clock.VmTime = now;
    }

    /// <summary>A read of what is not RAM: ones where nobody answers.</summary>
    /// <param name="size">1, 2, 4 or 8 bytes.</param>
    public ulong ReadMmio(ulong gpa, int size)
    {
        Advance();
        if (gpa - IoApic.FirstGpa < IoApic.SizeBytes)
        {
            return _ioApic.Read(gpa - IoApic.FirstGpa) & MaskOf(size);
        }

        return gpa - TestDevice.FirstGpa < TestDevice.MemoryBytes
            ? _testDevice.ReadMemory(gpa - TestDevice.FirstGpa, size)
            : MaskOf(size);
    }

    /// <summary>A write to what is not RAM: lost where nobody listens.</summary>
    /// <param name="size">1, 2, 4 or 8 bytes.</param>
    public void WriteMmio(ulong gpa, int size, ulong value)
    {
        Advance();
        if (gpa - IoApic.FirstGpa < IoApic.SizeBytes)
        {
            _ioApic.Write(gpa - IoApic.FirstGpa, (uint)(value & MaskOf(size)));
        }
        else if (gpa - TestDevice.FirstGpa < TestDevice.MemoryBytes)
        {
            _testDevice.WriteMemory(gpa - TestDevice.FirstGpa, size, value);
        }
    }

    /// <summary>A local APIC has ended a level-triggered interrupt and tells the I/O APIC.</summary>
    public void EndOfInterrupt(byte vector)
    {
        Advance();
        _ioApic.EndOfInterrupt(vector);
    }

    /// <summary>What the reset line does to the devices. The time, CMOS RAM, the test device's memory and console
    /// input that waits are still there afterwards.</summary>
    public void Reset()
    {
        Advance();
        PlatformState now = Save();
        Restore(_powerOn with
        {
            Rtc = Rtc146818.AfterReset(now.Rtc),
            Serial = _powerOn.Serial with { Received = now.Serial.Received },
            TestDevice = now.TestDevice,
        });
    }

    public PlatformState Save()
    {
        (Pic8259State master, Pic8259State slave) = _pics.Save();
        return new PlatformState(
            _lines.Save(),
            master,
            slave,
            _ioApic.Save(),
            _pit.Save(),
            _rtc.Save(),
            Serial.Save(),
            _firmwareConfig.Save(),
            _testDevice.Save(),
            _keyboard.Save(),
            _power.Save(),
            ResetRequested,
            PowerOffRequested);
    }

    /// <summary>Goes on as the saved devices would have. The clock is its owner's to set.</summary>
    public void Restore(PlatformState state)
    {
        _lines.Restore(state.Lines);
        _pics.Restore(state.MasterPic, state.SlavePic);
        _ioApic.Restore(state.IoApic);
        _pit.Restore(state.Pit);
        _rtc.Restore(state.Rtc);
        Serial.Restore(state.Serial);
        _firmwareConfig.Restore(state.FirmwareConfig);
        _testDevice.Restore(state.TestDevice);
        _keyboard.Restore(state.Keyboard);
        _power.Restore(state.Power);
        ResetRequested = state.ResetRequested;
        PowerOffRequested = state.PowerOffRequested;
        DebugExit.Forget();
    }

    private static ulong MaskOf(int size) => size == 8 ? ulong.MaxValue : (1UL << (8 * size)) - 1;

    private ulong? Earliest(bool isHeard)
    {
        ulong? next = null;
        foreach (ITimedDevice device in _timed)
        {
            if (device.NextDeadline is { } deadline && !(deadline >= next)
                && (!isHeard || _lines.IsHeard(device.Line)))
            {
                next = deadline;
            }
        }

        return next;
    }
}
