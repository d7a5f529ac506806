// SPDX-License-Identifier: Apache-2.0

using System.Numerics;

namespace KvmActors.Machine.Devices;

/// <summary>One 8259A programmable interrupt controller.</summary>
/// <remarks>
/// Source: Intel 8259A data sheet, "Programming the 8259A"; trigger modes by the ELCR of PIIX3, section 2.5.8. As the
/// data sheet has it, a request must stay until it is acknowledged: an input that falls takes its request back, and an
/// acknowledgement that finds no request gives input 7 without an in-service bit (a spurious interrupt). Vectors are
/// those of 8086 mode; what MCS-80 mode, buffered mode and the cascade pins of a bus do has no effect here.
/// </remarks>
internal sealed class Pic8259
{
    private const byte Icw1NeedsIcw4 = 0x01;
    private const byte Icw1Single = 0x02;
    private const byte Icw1LevelTriggered = 0x08;
    private const byte Icw1Mark = 0x10;
    private const byte Icw4AutoEnd = 0x02;
    private const byte Icw4FullyNestedSpecial = 0x10;
    private const byte Ocw3Mark = 0x08;

    private readonly byte _elcrMask;
    private byte _lines;
    private byte _edges;
    private byte _inService;
    private byte _mask;
    private byte _levelTriggered;
    private byte _icw1;
    private byte _icw2;
    private byte _icw3;
    private byte _icw4;
    private byte _nextIcw;
    private byte _lowestPriority = 7;
    private bool _readsInService;
    private bool _polls;
    private bool _specialMask;
    private bool _rotatesOnAutoEnd;

    /// <param name="elcrMask">Which inputs may be made level-triggered by ELCR.</param>
    public Pic8259(byte elcrMask) => _elcrMask = elcrMask;

    /// <summary>The INT output: an input asks for service that priority lets through.</summary>
    public bool HasRequest => FindRequest() is not null;

    /// <summary>Edge/level control register.</summary>
    public byte Elcr
    {
        get => _levelTriggered;
        set => _levelTriggered = (byte)(value & _elcrMask);
    }

    private byte Requests
    {
        get
        {
            byte level = (_icw1 & Icw1LevelTriggered) != 0 ? (byte)0xFF : _levelTriggered;
            return (byte)((_lines & level) | (_edges & ~level));
        }
    }

    public void SetLine(int input, bool level)
    {
        byte bit = (byte)(1 << input);
        if (!level)
        {
            _lines &= (byte)~bit;
            _edges &= (byte)~bit;
        }
        else if ((_lines & bit) == 0)
        {
            _lines |= bit;
            _edges |= bit;
        }
    }

    /// <summary>True if OCW1 masks the input.</summary>
    public bool Masks(int input) => (_mask & (1 << input)) != 0;

    /// <summary>True if this master's ICW3 says that a slave is at the input.</summary>
    public bool HasSlaveAt(int input) => (_icw1 & Icw1Single) == 0 && (_icw3 & (1 << input)) != 0;

    /// <summary>INTA: the input that is served from now on, or null if none asks (then the answer is input 7 and no
    /// state changes).</summary>
    public int? Acknowledge()
    {
        if (FindRequest() is not { } input)
        {
            return null;
        }

        byte bit = (byte)(1 << input);
        _edges &= (byte)~bit;
        if ((_icw4 & Icw4AutoEnd) == 0)
        {
            _inService |= bit;
        }
        else if (_rotatesOnAutoEnd)
        {
            _lowestPriority = (byte)input;
        }

        return input;
    }

    public byte VectorOf(int input) => (byte)((_icw2 & 0xF8) | input);

    /// <summary>True if the next read of either port acknowledges.</summary>
    public bool TakePoll()
    {
        bool polls = _polls;
        _polls = false;
        return polls;
    }

    /// <param name="address">The A0 pin.</param>
    public byte Read(int address)
    {
        if (address != 0)
        {
            return _mask;
        }

        return _readsInService ? _inService : Requests;
    }

    /// <param name="address">The A0 pin.</param>
    public void Write(int address, byte value)
    {
        if (address != 0)
        {
            WriteData(value);
        }
        else if ((value & Icw1Mark) != 0)
        {
            Initialize(value);
        }
        else if ((value & Ocw3Mark) != 0)
        {
            WriteOcw3(value);
        }
        else
        {
            WriteOcw2(value);
        }
    }

    public Pic8259State Save() => new(
        _lines,
        _edges,
        _inService,
        _mask,
        _levelTriggered,
        _icw1,
        _icw2,
        _icw3,
        _icw4,
        _nextIcw,
        _lowestPriority,
        _readsInService,
        _polls,
        _specialMask,
        _rotatesOnAutoEnd);

    public void Restore(Pic8259State state)
    {
        _lines = state.Lines;
        _edges = state.Edges;
        _inService = state.InService;
        _mask = state.Mask;
        _levelTriggered = state.LevelTriggered;
        _icw1 = state.Icw1;
        _icw2 = state.Icw2;
        _icw3 = state.Icw3;
        _icw4 = state.Icw4;
        _nextIcw = state.NextIcw;
        _lowestPriority = (byte)(state.LowestPriority & 7);
        _readsInService = state.ReadsInService;
        _polls = state.Polls;
        _specialMask = state.SpecialMask;
        _rotatesOnAutoEnd = state.RotatesOnAutoEnd;
    }

    private int? FindRequest()
    {
        byte asking = (byte)(Requests & ~_mask);
        if (asking == 0 || _nextIcw != 0)
        {
            return null;
        }

        int candidate = RankOfFirst(asking);
        byte blocking = _specialMask ? (byte)(_inService & ~_mask) : _inService;
        int served = blocking == 0 ? 8 : RankOfFirst(blocking);
        int input = InputAt(candidate);

        // Special fully nested mode: a slave that is being served may interrupt again, for it may have more urgent
        // news.
        bool slaveAgain = (_icw4 & Icw4FullyNestedSpecial) != 0 && candidate == served && HasSlaveAt(input);
        return candidate < served || slaveAgain ? input : null;
    }

    /// <summary>How many inputs come before the first of <paramref name="inputs"/>, which are not none.</summary>
    private int RankOfFirst(byte inputs)
    {
        int first = _lowestPriority + 1;
        uint rotated = ((uint)inputs | ((uint)inputs << 8)) >> (first & 7);
        return BitOperations.TrailingZeroCount(rotated & 0xFF);
    }

    private int InputAt(int rank) => (_lowestPriority + 1 + rank) & 7;

    private void Initialize(byte value)
    {
        _icw1 = value;
        _icw2 = 0;
        _icw3 = 0;
        _icw4 = 0;
        _nextIcw = 2;
        _edges = 0;
        _mask = 0;
        _inService = 0;
        _lowestPriority = 7;
        _readsInService = false;
        _polls = false;
        _specialMask = false;
        _rotatesOnAutoEnd = false;
    }

    private void WriteData(byte value)
    {
        switch (_nextIcw)
        {
            case 2:
                _icw2 = value;
                _nextIcw = (_icw1 & Icw1Single) == 0 ? (byte)3 : AfterIcw3();
                break;
            case 3:
                _icw3 = value;
                _nextIcw = AfterIcw3();
                break;
            case 4:
                _icw4 = value;
                _nextIcw = 0;
                break;
            default:
                _mask = value;
                break;
        }
    }

    private byte AfterIcw3() => (_icw1 & Icw1NeedsIcw4) != 0 ? (byte)4 : (byte)0;

    private void WriteOcw2(byte value)
    {
        int input = value & 7;
        switch (value >> 5)
        {
            case 0b000:
                _rotatesOnAutoEnd = false;
                break;
            case 0b100:
                _rotatesOnAutoEnd = true;
                break;
            case 0b001:
                EndFirst(rotates: false);
                break;
            case 0b101:
                EndFirst(rotates: true);
                break;
            case 0b011:
                End(input, rotates: false);
                break;
            case 0b111:
                End(input, rotates: true);
                break;
            case 0b110:
                _lowestPriority = (byte)input;
                break;
            default:
                // 010 is no operation.
                break;
        }
    }

    /// <summary>Non-specific end of interrupt. Under special mask mode it does not see what is masked.</summary>
    private void EndFirst(bool rotates)
    {
        byte served = _specialMask ? (byte)(_inService & ~_mask) : _inService;
        if (served != 0)
        {
            End(InputAt(RankOfFirst(served)), rotates);
        }
    }

    private void End(int input, bool rotates)
    {
        _inService &= (byte)~(1 << input);
        if (rotates)
        {
            _lowestPriority = (byte)input;
        }
    }

    private void WriteOcw3(byte value)
    {
        if ((value & 0x40) != 0)
        {
            _specialMask = (value & 0x20) != 0;
        }

        _polls = (value & 0x04) != 0;
        if ((value & 0x02) != 0)
        {
            _readsInService = (value & 0x01) != 0;
        }
    }
}
