// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine.Devices;

/// <summary>The MC146818A real-time clock with CMOS RAM at ports 70h and 71h.</summary>
/// <remarks>
/// <para>The time is that of the VM's options and VM time since then, or what the guest has set. The registers are a
/// function of VM time; nothing moves between two accesses but the interrupt line, and that only for interrupts that
/// are enabled. UIP is set in the last 244 microseconds of each second, and the update itself takes no time.</para>
/// <para>Reading a time while its update is due gives the old or the new one, never a mixture. A change of the format
/// in register B re-encodes what is shown (but not the alarm bytes), where the data sheet leaves the registers as they
/// are. There is no daylight saving and no square wave output.</para>
/// <para>Source: Motorola MC146818A data sheet, "Registers" and "Update cycle".</para>
/// </remarks>
internal sealed class Rtc146818 : ITimedDevice
{
    private const int RegisterA = 0x0A;
    private const int RegisterB = 0x0B;
    private const int RegisterC = 0x0C;
    private const int RegisterD = 0x0D;
    private const byte UpdateInProgress = 0x80;
    private const byte SetMode = 0x80;
    private const byte UpdateEnded = 0x10;
    private const byte Enables = 0x70;
    private const byte InterruptRequest = 0x80;

    private readonly DeviceClock _clock;
    private readonly Action<bool> _interrupt;
    private readonly byte[] _registers = new byte[RtcMemory.SizeBytes];
    private readonly RtcTimeline _timeline;
    private byte _index;
    private byte _daysToWeekday = 4;
    private byte _flags;
    private ulong _settledAt;
    private bool _line;

    /// <param name="interrupt">Takes IRQF of register C whenever it changes.</param>
    public Rtc146818(DeviceClock clock, PlatformOptions options, Action<bool> interrupt)
    {
        _clock = clock;
        _interrupt = interrupt;
        _timeline = new RtcTimeline { Seconds = (ulong)Math.Max(0, options.RtcStartUnixSeconds) };
        RtcMemory.Fill(_registers, options);
        Port = new PortWindow(
            0x70, 2, takesWideAccess: false, (o, _) => Read(o), (o, _, v) => Write(o, (byte)v), IsQuiet);
    }

    public IPortDevice Port { get; }

    public ulong? NextDeadline { get; private set; }

    public int Line => InterruptLines.Clock;

    /// <summary>Port 70h bit 7: the guest wants no NMI from its chipset.</summary>
    public bool MasksNmi => (_index & 0x80) != 0;

    private byte Format => _registers[RegisterB];

    private bool IsRunning => RtcTimeline.DividerRuns(_registers[RegisterA]) && (Format & SetMode) == 0;

    /// <summary>The RESET pin: no flags, no interrupts enabled; the time goes on.</summary>
    public static RtcState AfterReset(RtcState state) => state with
    {
        Index = 0,
        Flags = 0,
        Registers = state.Registers.SetItem(RegisterB, (byte)(state.Registers[RegisterB] & ~Enables)),
    };

    public void Advance()
    {
        if (NextDeadline is { } deadline && deadline <= _clock.VmTime)
        {
            Settle();
            Drive();
        }
    }

    public RtcState Save() => new(
        _index,
        [.. _registers],
        _timeline.Seconds,
        _daysToWeekday,
        _timeline.Origin,
        _flags,
        _settledAt);

    public void Restore(RtcState state)
    {
        state.Registers.AsSpan().CopyTo(_registers);
        _index = state.Index;
        _timeline.Seconds = state.Seconds;
        _daysToWeekday = state.DaysToWeekday;
        _timeline.Origin = state.Origin;
        _flags = state.Flags;
        _settledAt = state.SettledAt;
        _line = (_flags & Format & Enables) != 0;
        FindDeadline();
    }

    /// <summary>All but reading the flags away, and writing time, alarm or control.</summary>
    private bool IsQuiet(int port, bool isWrite)
    {
        int register = _index & 0x7F;
        return port == 0 || (isWrite ? IsPlainMemory(register) : register != RegisterC);
    }

    private static bool IsPlainMemory(int register) => register > RegisterD && !RtcCalendar.IsTime(register);

    private uint Read(int port)
    {
        if (port == 0)
        {
            // The index register cannot be read back.
            return 0xFF;
        }

        int register = _index & 0x7F;
        if (RtcCalendar.IsTime(register))
        {
            return IsRunning
                ? RtcCalendar.Show(register, _timeline.SecondsAt(_clock.VmTime), _daysToWeekday, Format)
                : _registers[register];
        }

        return register switch
        {
            RegisterA when IsRunning && _timeline.IsUpdateNear(_clock.VmTime) =>
                (byte)(_registers[RegisterA] | UpdateInProgress),
            RegisterC => TakeFlags(),
            _ => _registers[register],
        };
    }

    private void Write(int port, byte value)
    {
        if (port == 0)
        {
            _index = value;
            return;
        }

        int register = _index & 0x7F;
        if (register is RegisterC or RegisterD)
        {
            return;
        }

        if (IsPlainMemory(register))
        {
            _registers[register] = value;
            return;
        }

        Settle();
        bool wasRunning = IsRunning;
        if (wasRunning)
        {
            Freeze();
        }

        switch (register)
        {
            case RegisterA:
                WriteA(value);
                break;
            case RegisterB:
                // SET takes the update-ended interrupt's enable away.
                _registers[RegisterB] = (value & SetMode) != 0 ? (byte)(value & ~UpdateEnded) : value;
                break;
            default:
                _registers[register] = value;
                break;
        }

        if (IsRunning)
        {
            Thaw(timeWasWritten: !wasRunning || RtcCalendar.IsTime(register));
        }

        Drive();
    }

    /// <summary>Shows the time of this moment in the registers.</summary>
    private void Freeze()
    {
        ulong seconds = _timeline.SecondsAt(_clock.VmTime);
        foreach (int register in RtcMemory.TimeRegisters)
        {
            _registers[register] = RtcCalendar.Show(register, seconds, _daysToWeekday, Format);
        }
    }

    /// <summary>Lets the time go on from what the registers show, at the divider's phase.</summary>
    private void Thaw(bool timeWasWritten)
    {
        if (timeWasWritten)
        {
            ulong seconds = RtcCalendar.SecondsOf(_registers, Format);
            _daysToWeekday = RtcCalendar.DaysToWeekdayOf(_registers[RtcCalendar.Weekday], seconds, Format);
            _timeline.SetSeconds(seconds, _clock.VmTime);
        }
    }

    private void WriteA(byte value)
    {
        bool ran = RtcTimeline.DividerRuns(_registers[RegisterA]);
        _registers[RegisterA] = (byte)(value & ~UpdateInProgress);
        if (!ran && RtcTimeline.DividerRuns(value))
        {
            _timeline.Release(_clock.VmTime);
        }
    }

    private uint TakeFlags()
    {
        Settle();
        int request = (_flags & Format & Enables) != 0 ? InterruptRequest : 0;
        uint flags = (uint)(_flags | request);
        _flags = 0;
        Drive();
        return flags;
    }

    /// <summary>Adds to the flags what has happened since they were last looked at.</summary>
    private void Settle()
    {
        ulong now = _clock.VmTime;
        for (byte flag = UpdateEnded; flag != InterruptRequest; flag <<= 1)
        {
            if (NextEvent(flag) is { } next && next <= now)
            {
                _flags |= flag;
            }
        }

        _settledAt = now;
    }

    /// <summary>The first VM time behind the last settling at which something sets a flag.</summary>
    private ulong? NextEvent(byte flag)
    {
        const byte Periodic = 0x40;
        const byte Alarm = 0x20;
        return flag switch
        {
            Periodic => _timeline.NextPeriodic(_settledAt, _registers[RegisterA]),
            Alarm when IsRunning && RtcAlarm.SecondsUntil(
                _registers, _timeline.SecondsAt(_settledAt), Format) is { } until =>
                _timeline.StartOfSecond(_timeline.ElapsedSeconds(_settledAt) + until),
            UpdateEnded when IsRunning => _timeline.StartOfSecond(_timeline.ElapsedSeconds(_settledAt) + 1),
            _ => null,
        };
    }

    private void Drive()
    {
        bool requests = (_flags & Format & Enables) != 0;
        if (requests != _line)
        {
            _line = requests;
            _interrupt(requests);
        }

        FindDeadline();
    }

    /// <summary>While the line is high only the guest can change it.</summary>
    private void FindDeadline()
    {
        NextDeadline = null;
        for (byte flag = UpdateEnded; flag != InterruptRequest && !_line; flag <<= 1)
        {
            if ((Format & flag) != 0 && NextEvent(flag) is { } next)
            {
                NextDeadline = Math.Min(NextDeadline ?? ulong.MaxValue, next);
            }
        }
    }
}
