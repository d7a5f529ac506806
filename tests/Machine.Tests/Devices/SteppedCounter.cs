// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine.Tests.Devices;

/// <summary>A counter of the 8254 as the data sheet tells it: one clock at a time, with none of the arithmetic of the
/// product's. Counts have one byte; 0 is 65,536.</summary>
internal sealed class SteppedCounter(int mode, bool gate)
{
    private uint _register;
    private uint _element;
    private bool _isOdd;
    private bool _hasCount;
    private bool _loads;
    private bool _isTriggered;
    private bool _isArmed;

    public bool Output { get; private set; } = mode != 0;

    /// <summary>False while a count waits to be taken over.</summary>
    public bool IsCountInUse => _hasCount && !_loads && !_isTriggered;

    public uint Count => _element & 0xFFFF;

    private uint Register => _register == 0 ? 0x1_0000 : _register == 1 && mode is 2 or 3 ? 2 : _register;

    public void Write(byte count)
    {
        _register = count;
        _loads |= mode is 0 or 4 || (mode is 2 or 3 && !_hasCount);
        _hasCount = true;
        Output = mode != 0 && Output;
    }

    public void SetGate(bool level)
    {
        bool rises = level && !gate;
        bool falls = !level && gate;
        gate = level;
        if (rises && _hasCount)
        {
            _isTriggered |= mode is 1 or 5;
            _loads |= mode is 2 or 3;
        }

        Output |= falls && mode is 2 or 3;
    }

    public void Clock()
    {
        switch (mode)
        {
            case 1 or 5:
                ClockTriggered();
                break;
            case var _ when _loads:
                Load();
                break;
            case var _ when !gate || !_hasCount:
                break;
            case 2:
                ClockRate();
                break;
            case 3:
                ClockSquare();
                break;
            default:
                ClockOnce();
                break;
        }
    }

    private void Load()
    {
        _loads = false;
        _element = mode == 3 ? Register & ~1u : Register;
        _isOdd = (Register & 1) != 0;
        _isArmed = true;
        Output = mode != 0;
    }

    private void ClockOnce()
    {
        _element = (_element - 1) & 0xFFFF;
        if (mode == 0)
        {
            Output |= _element == 0;
            return;
        }

        Output = _element != 0 || !_isArmed;
        _isArmed &= _element != 0;
    }

    private void ClockTriggered()
    {
        if (_isTriggered)
        {
            _isTriggered = false;
            _isArmed = true;
            _element = Register;
            Output = mode != 1;
        }
        else if (_hasCount)
        {
            _element = (_element - 1) & 0xFFFF;
            bool ends = _isArmed && _element == 0;
            _isArmed &= !ends;
            Output = mode == 1 ? Output || ends : !ends;
        }
    }

    private void ClockRate()
    {
        _element = _element == 1 ? Register : _element - 1;
        Output = _element != 1;
    }

    private void ClockSquare()
    {
        bool endsHigh = Output && _element == (_isOdd ? 0u : 2u);
        bool endsLow = !Output && _element == 2;
        if (endsHigh || endsLow)
        {
            Output = !Output;
            _element = Register & ~1u;
            _isOdd = (Register & 1) != 0;
        }
        else
        {
            _element -= 2;
        }
    }
}
