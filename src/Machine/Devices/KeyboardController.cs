// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Machine.Devices;

/// <summary>An 8042 at ports 60h and 64h with nothing attached: it answers for itself, its keyboard and mouse never
/// do.</summary>
/// <remarks>Drivers find it, set it up and find no keyboard, without waiting for an answer that never comes. It raises
/// no interrupt. A20 is always on. Source: IBM PS/2 technical reference, "Keyboard and auxiliary device
/// controller".</remarks>
internal sealed class KeyboardController
{
    private const byte ReadCommandByte = 0x20;
    private const byte WriteCommandByte = 0x60;
    private const byte TestMouse = 0xA9;
    private const byte SelfTest = 0xAA;
    private const byte TestKeyboard = 0xAB;
    private const byte ReadInputPort = 0xC0;
    private const byte ReadOutputPort = 0xD0;
    private const byte WriteOutputPort = 0xD1;
    private const byte WriteOutputBuffer = 0xD2;
    private const byte WriteMouse = 0xD4;
    private const byte PulseNothing = 0xFF;
    private const byte PulseFirst = 0xF0;

    private readonly Action _reset;
    private byte _output;
    private bool _isOutputFull;
    private byte _commandByte = 0x34;
    private byte _command;
    private bool _wroteCommand;

    /// <param name="reset">Called when the guest pulses the processor's reset line.</param>
    public KeyboardController(Action reset)
    {
        _reset = reset;
        Ports =
        [
            new PortWindow(0x60, 1, takesWideAccess: false, (_, _) => TakeOutput(), (_, _, v) => WriteData((byte)v)),
            new PortWindow(0x64, 1, takesWideAccess: false, (_, _) => Status(), (_, _, v) => Obey((byte)v)),
        ];
    }

    public ImmutableArray<IPortDevice> Ports { get; }

    public KeyboardControllerState Save() => new(_output, _isOutputFull, _commandByte, _command, _wroteCommand);

    public void Restore(KeyboardControllerState state)
    {
        _output = state.Output;
        _isOutputFull = state.IsOutputFull;
        _commandByte = state.CommandByte;
        _command = state.Command;
        _wroteCommand = state.WroteCommand;
    }

    private uint Status()
    {
        const uint NotLocked = 0x10;
        const uint PassedSelfTest = 0x04;
        return NotLocked | PassedSelfTest | (_wroteCommand ? 0x08u : 0) | (_isOutputFull ? 0x01u : 0);
    }

    private uint TakeOutput()
    {
        _isOutputFull = false;
        return _output;
    }

    private void Answer(byte value)
    {
        _output = value;
        _isOutputFull = true;
    }

    private void Obey(byte command)
    {
        const byte Passed = 0x00;
        const byte PassedSelf = 0x55;
        const byte ClockLow = 0x01;
        const byte A20AndNoReset = 0x03;
        _wroteCommand = true;
        _command = 0;
        switch (command)
        {
            case ReadCommandByte:
                Answer(_commandByte);
                break;
            case SelfTest:
                Answer(PassedSelf);
                break;
            case TestKeyboard:
                Answer(Passed);
                break;
            case TestMouse:
                Answer(ClockLow);
                break;
            case ReadInputPort:
                Answer(0x80);
                break;
            case ReadOutputPort:
                Answer(A20AndNoReset);
                break;
            case WriteCommandByte or (>= WriteOutputPort and <= WriteMouse):
                _command = command;
                break;
            case >= PulseFirst and < PulseNothing when (command & 1) == 0:
                _reset();
                break;
            default:
                // Enabling and disabling what is not attached.
                break;
        }
    }

    private void WriteData(byte value)
    {
        const byte WriteMouseBuffer = 0xD3;
        _wroteCommand = false;
        switch (_command)
        {
            case WriteCommandByte:
                _commandByte = value;
                break;
            case WriteOutputPort when (value & 1) == 0:
                _reset();
                break;
            case WriteOutputBuffer or WriteMouseBuffer:
                // The mouse's buffer is looped back without its mark: so a driver learns that there is no mouse port.
                Answer(value);
                break;
            default:
                // To a keyboard or mouse that is not there.
                break;
        }

        _command = 0;
    }
}
