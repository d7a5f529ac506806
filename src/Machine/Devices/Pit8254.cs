// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Machine.Devices;

/// <summary>The 8254 interval timer at ports 40h to 43h, and port 61h, through which a PC gates counter 2 and reads its
/// output.</summary>
/// <remarks>Source: Intel 8254 data sheet; port 61h by PIIX3, section 2.5.5 "NMI status and control". Counter 0 drives
/// IRQ0; counter 1 drives nothing; port 61h bit 4 is the refresh toggle, which changes every 18 clocks, as a counter 1
/// set up by a BIOS would make it.</remarks>
internal sealed class Pit8254 : ITimedDevice
{
    private const int ClocksPerRefresh = 18;
    private const int ControlPort = 3;
    private const byte Gate2 = 0x01;

    private readonly DeviceClock _clock;
    private readonly Action<bool> _interrupt;
    private readonly ImmutableArray<PitChannel> _channels =
        [new PitChannel(gate: true), new PitChannel(gate: true), new PitChannel(gate: false)];

    private byte _systemControl;
    private ulong _drivenClock;
    private bool _line;

    /// <param name="interrupt">Takes the output of counter 0 whenever it changes; it is low at first.</param>
    public Pit8254(DeviceClock clock, Action<bool> interrupt)
    {
        _clock = clock;
        _interrupt = interrupt;
        Ports =
        [
            new PortWindow(0x40, 4, takesWideAccess: false, (o, _) => Read(o), (o, _, v) => Write(o, (byte)v)),
            new PortWindow(
                0x61,
                1,
                takesWideAccess: false,
                (_, _) => ReadSystem(),
                (_, _, v) => WriteSystem((byte)v),
                (_, isWrite) => !isWrite),
        ];
    }

    public ImmutableArray<IPortDevice> Ports { get; }

    public ulong? NextDeadline { get; private set; }

    public int Line => InterruptLines.Timer;

    private ulong Now => PitClock.At(_clock.VmTime);

    public void Advance()
    {
        if (NextDeadline is { } deadline && deadline <= _clock.VmTime)
        {
            DriveUntil(Now);
            FindDeadline();
        }
    }

    public PitState Save() => new(
        _channels[0].Save(),
        _channels[1].Save(),
        _channels[2].Save(),
        _systemControl,
        _drivenClock);

    public void Restore(PitState state)
    {
        _channels[0].Restore(state.Channel0);
        _channels[1].Restore(state.Channel1);
        _channels[2].Restore(state.Channel2);
        _systemControl = state.SystemControl;
        _drivenClock = state.DrivenClock;
        _line = _channels[0].Output(_drivenClock);
        FindDeadline();
    }

    private uint Read(int port)
    {
        Advance();
        if (port == ControlPort)
        {
            return 0xFF;
        }

        // Counter 0 is asked about this clock, and from here on no more about an earlier one.
        ulong now = Now;
        Drive(now);
        return _channels[port].Read(now);
    }

    private void Write(int port, byte value)
    {
        Advance();
        ulong now = Now;
        if (port == ControlPort)
        {
            WriteControl(value, now);
        }
        else
        {
            _channels[port].WriteCount(value, now);
        }

        Drive(now);
        FindDeadline();
    }

    private void WriteControl(byte value, ulong now)
    {
        const int ReadBack = 3;
        int chosen = value >> 6;
        bool isLatch = (value & 0x30) == 0;
        if (chosen == ReadBack)
        {
            ReadBackChannels(value, now);
        }
        else if (isLatch)
        {
            _channels[chosen].LatchCount(now);
        }
        else
        {
            _channels[chosen].WriteControl(value);
        }
    }

    private void ReadBackChannels(byte value, ulong now)
    {
        const byte NoCount = 0x20;
        const byte NoStatus = 0x10;
        for (int i = 0; i < _channels.Length; i++)
        {
            bool isChosen = (value & (2 << i)) != 0;
            if (isChosen && (value & NoCount) == 0)
            {
                _channels[i].LatchCount(now);
            }

            if (isChosen && (value & NoStatus) == 0)
            {
                _channels[i].LatchStatus(now);
            }
        }
    }

    private uint ReadSystem()
    {
        ulong now = Now;
        uint refresh = (uint)(now / ClocksPerRefresh % 2) << 4;
        uint output = _channels[2].Output(now) ? 0x20u : 0;
        return _systemControl | refresh | output;
    }

    private void WriteSystem(byte value)
    {
        _systemControl = (byte)(value & 0x0F);
        _channels[2].SetGate((value & Gate2) != 0, Now);
    }

    /// <summary>Shows on the line each change of counter 0's output up to a clock, in order.</summary>
    private void DriveUntil(ulong now)
    {
        while (_channels[0].NextChange(_drivenClock) is { } change && change <= now)
        {
            Drive(change);
        }
    }

    private void Drive(ulong clock)
    {
        _drivenClock = clock;
        bool output = _channels[0].Output(clock);
        if (output != _line)
        {
            _line = output;
            _interrupt(output);
        }
    }

    private void FindDeadline() => NextDeadline = _channels[0].NextChange(_drivenClock) is { } change
        ? PitClock.VmTimeOf(change)
        : null;
}
