// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine.Devices;

/// <summary>One counter of the 8254: what it holds, how it is written and read, and how its gate acts. What it counts
/// is <see cref="PitCounting"/>.</summary>
/// <remarks>Source: Intel 8254 data sheet, "Programming the 8254" and "Mode Definitions". Nothing here moves with time:
/// a counter is the clock at which it took its count over, and all else follows from the clock of the question, which
/// never goes back.</remarks>
internal sealed class PitChannel
{
    private const int AccessLow = 1;
    private const int AccessHigh = 2;
    private const byte AccessBoth = 0x30;
    private const ulong Never = ulong.MaxValue;

    private byte _control = AccessBoth;
    private ushort _countRegister;
    private bool _writesHigh;
    private bool _readsHigh;
    private ushort _latched;
    private byte _latchedBytes;
    private byte _status;
    private bool _hasStatus;
    private PitPhase _phase = PitPhase.WaitsForCount;
    private uint _period = PitCounting.CountsBinary;
    private ulong _start;
    private uint _nextPeriod;
    private ulong _nextStart;

    public PitChannel(bool gate) => Gate = gate;

    public bool Gate { get; private set; }

    private int Mode => PitCounting.ModeOf(_control);

    private bool IsBcd => (_control & 1) != 0;

    private int Access => (_control >> 4) & 3;

    /// <summary>At <see cref="_nextStart"/> a count goes into the counting element, without the gate's doing.</summary>
    private bool HasLoad => _nextPeriod != 0 && _nextStart != Never;

    /// <summary>The OUT pin.</summary>
    public bool Output(ulong now)
    {
        TakeNext(now);
        return PitCounting.Output(Mode, _phase, _period, _start, now);
    }

    /// <summary>The first clock behind <paramref name="now"/> at which OUT changes by itself, or null.</summary>
    public ulong? NextChange(ulong now)
    {
        TakeNext(now);
        ulong? change = PitCounting.NextChange(Mode, _phase, _period, _start, now);
        if (!HasLoad || change < _nextStart)
        {
            return change;
        }

        bool before = PitCounting.Output(Mode, _phase, _period, _start, _nextStart - 1);
        (PitPhase phase, ulong start) = AfterLoad();
        return PitCounting.Output(Mode, phase, _nextPeriod, start, _nextStart) == before
            ? PitCounting.NextChange(Mode, phase, _nextPeriod, start, _nextStart)
            : _nextStart;
    }

    public void WriteControl(byte value)
    {
        _control = (byte)(value & 0x3F);
        _writesHigh = Access == AccessHigh;
        _readsHigh = Access == AccessHigh;
        _latchedBytes = 0;
        _hasStatus = false;
        _phase = PitPhase.WaitsForCount;
        _nextPeriod = 0;
    }

    public void WriteCount(byte value, ulong now)
    {
        TakeNext(now);
        bool isFirstOfTwo = Access is not (AccessLow or AccessHigh) && !_writesHigh;
        if (_writesHigh)
        {
            ushort low = Access == AccessHigh ? (ushort)0 : (ushort)(_countRegister & 0xFF);
            _countRegister = (ushort)((value << 8) | low);
        }
        else
        {
            _countRegister = value;
        }

        if (isFirstOfTwo)
        {
            _writesHigh = true;
            if (Mode == 0)
            {
                // Mode 0: the first byte stops counting and sets OUT low.
                _phase = PitPhase.WaitsForCount;
                _nextPeriod = 0;
            }

            return;
        }

        _writesHigh = Access == AccessHigh;
        TakeCount(now);
    }

    public byte Read(ulong now)
    {
        if (_hasStatus)
        {
            _hasStatus = false;
            return _status;
        }

        ushort count = _latchedBytes > 0 ? _latched : Count(now);
        bool high = _readsHigh;
        if (Access is not (AccessLow or AccessHigh))
        {
            _readsHigh = !_readsHigh;
        }

        if (_latchedBytes > 0)
        {
            _latchedBytes--;
        }

        return (byte)(high ? count >> 8 : count);
    }

    /// <summary>The counter latch command. A latch that has not been read is kept.</summary>
    public void LatchCount(ulong now)
    {
        if (_latchedBytes == 0)
        {
            _latched = Count(now);
            _latchedBytes = Access is AccessLow or AccessHigh ? (byte)1 : (byte)2;
        }
    }

    /// <summary>The status half of the read-back command. A status that has not been read is kept.</summary>
    public void LatchStatus(ulong now)
    {
        if (!_hasStatus)
        {
            int output = Output(now) ? 0x80 : 0;
            int isNull = HasUnusedCount(now) ? 0x40 : 0;
            _status = (byte)(output | isNull | _control);
            _hasStatus = true;
        }
    }

    public void SetGate(bool gate, ulong now)
    {
        if (gate == Gate)
        {
            return;
        }

        TakeNext(now);
        Gate = gate;
        if (gate)
        {
            RaiseGate(now);
        }
        else if (_phase == PitPhase.Counts && Mode is not (1 or 5))
        {
            _phase = PitPhase.Stopped;
            _start = now - _start;
            if (Mode is 2 or 3 && HasLoad)
            {
                // It waited for the end of a cycle that does not come any more.
                _nextStart = Never;
            }
        }
    }

    public PitChannelState Save() => new(
        _control,
        _countRegister,
        _writesHigh,
        _readsHigh,
        _latched,
        _latchedBytes,
        _status,
        _hasStatus,
        Gate,
        _phase,
        _period,
        _start,
        _nextPeriod,
        _nextStart);

    public void Restore(PitChannelState state)
    {
        _control = state.Control;
        _countRegister = state.CountRegister;
        _writesHigh = state.WritesHigh;
        _readsHigh = state.ReadsHigh;
        _latched = state.Latched;
        _latchedBytes = state.LatchedBytes;
        _status = state.Status;
        _hasStatus = state.HasStatus;
        Gate = state.Gate;
        _phase = state.Phase;
        _period = Math.Clamp(state.Period, 1, PitCounting.CountsBinary);
        _start = state.Start;
        _nextPeriod = Math.Min(state.NextPeriod, PitCounting.CountsBinary);
        _nextStart = state.NextStart;
    }

    private void RaiseGate(ulong now)
    {
        switch (Mode)
        {
            case 1 or 5 when _phase is PitPhase.WaitsForTrigger or PitPhase.Counts:
                LoadAtNextClock(now);
                break;
            case 2 or 3 when _phase == PitPhase.Stopped:
                LoadAtNextClock(now);
                break;
            case 0 or 4 when _phase == PitPhase.Stopped:
                _phase = PitPhase.Counts;
                _start = now - _start;
                break;
            default:
                break;
        }
    }

    /// <summary>A whole new count has been written.</summary>
    private void TakeCount(ulong now)
    {
        switch (Mode)
        {
            case 0:
                _phase = PitPhase.WaitsForCount;
                LoadAtNextClock(now);
                break;
            case 1 or 5:
                _phase = _phase == PitPhase.WaitsForCount ? PitPhase.WaitsForTrigger : _phase;
                LoadLater(Never);
                break;
            case 2 or 3 when _phase == PitPhase.Counts:
                LoadLater(PitCounting.NextTakeover(Mode, _period, _start, now));
                break;
            case 2 or 3 when _phase == PitPhase.Stopped:
                LoadLater(Never);
                break;
            default:
                LoadAtNextClock(now);
                break;
        }
    }

    private void LoadAtNextClock(ulong now)
    {
        _nextPeriod = PitCounting.PeriodOf(_countRegister, IsBcd, Mode);
        _nextStart = now + 1;
    }

    /// <summary>The count register waits for a clock or, at <see cref="Never"/>, for the gate, unless it is on its way
    /// into the counting element already.</summary>
    private void LoadLater(ulong clock)
    {
        _nextStart = HasLoad ? _nextStart : clock;
        _nextPeriod = PitCounting.PeriodOf(_countRegister, IsBcd, Mode);
    }

    /// <summary>Loads the counting element if the clock for it has come.</summary>
    private void TakeNext(ulong now)
    {
        if (HasLoad && now >= _nextStart)
        {
            (_phase, _start) = AfterLoad();
            _period = _nextPeriod;
            _nextPeriod = 0;
        }
    }

    private (PitPhase Phase, ulong Start) AfterLoad()
    {
        if (!Gate && Mode is not (1 or 5))
        {
            return (PitPhase.Stopped, 0);
        }

        // In mode 3 the new count may come in with the low half of the wave: then its high half is in the past.
        bool comesInLow = Mode == 3
            && _phase == PitPhase.Counts
            && PitCounting.Output(Mode, _phase, _period, _start, _nextStart - 1);
        return (PitPhase.Counts, comesInLow ? _nextStart - PitCounting.HighClocks(_nextPeriod) : _nextStart);
    }

    private bool HasUnusedCount(ulong now)
    {
        TakeNext(now);
        return _phase == PitPhase.WaitsForCount || _nextPeriod != 0;
    }

    private ushort Count(ulong now)
    {
        TakeNext(now);
        uint count = PitCounting.Count(Mode, IsBcd, _phase, _period, _start, now);
        return IsBcd ? PitCounting.ToBcd(count) : (ushort)count;
    }
}
