// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Machine.Devices;

/// <summary>The ports by which a guest resets or powers off the machine: 92h, CF9h, 604h and 8900h.</summary>
/// <remarks>
/// Port 92h: bit 0 resets as it rises, bit 1 (A20) is always on. CF9h: bit 2 resets; it is a port of its own only for
/// accesses of one byte, a wider one at CF8h is PCI configuration, which is not there and reads ones. 604h: the power
/// management control of QEMU's PC, where sleep enable with sleep type 0 powers off. 8900h: the word "Shutdown", a
/// letter at a time, as Bochs has it.
/// Source: PIIX3, sections 2.5.6 and 2.5.9; QEMU hw/acpi/piix4.c.
/// </remarks>
internal sealed class PowerControl
{
    private const int ResetOffset = 1;

    private readonly Action _reset;
    private readonly Action _powerOff;
    private byte _systemControl;
    private byte _resetControl;
    private byte _shutdownLetters;

    public PowerControl(Action reset, Action powerOff)
    {
        _reset = reset;
        _powerOff = powerOff;
        Ports =
        [
            new PortWindow(0x92, 1, takesWideAccess: false, (_, _) => _systemControl | 2u, WriteSystem),
            new PortWindow(0xCF8, 4, takesWideAccess: true, ReadReset, WriteReset),
            new PortWindow(0x604, 2, takesWideAccess: true, (o, _) => o == 0 ? 1u : 0u, WritePowerManagement),
            new PortWindow(0x8900, 1, takesWideAccess: false, (_, _) => 0xFF, WriteLetter),
        ];
    }

    public ImmutableArray<IPortDevice> Ports { get; }

    private static ReadOnlySpan<byte> Word => "Shutdown"u8;

    public PowerControlState Save() => new(_systemControl, _resetControl, _shutdownLetters);

    public void Restore(PowerControlState state)
    {
        _systemControl = state.SystemControl;
        _resetControl = state.ResetControl;
        _shutdownLetters = state.ShutdownLetters;
    }

    private void WriteSystem(int offset, int sizeBytes, uint value)
    {
        bool rises = (value & ~_systemControl & 1) != 0;
        _systemControl = (byte)(value & 1);
        if (rises)
        {
            _reset();
        }
    }

    private uint ReadReset(int offset, int sizeBytes) =>
        offset == ResetOffset && sizeBytes == 1 ? _resetControl : uint.MaxValue;

    private void WriteReset(int offset, int sizeBytes, uint value)
    {
        if (offset != ResetOffset || sizeBytes != 1)
        {
            return;
        }

        _resetControl = (byte)(value & 2);
        if ((value & 4) != 0)
        {
            _reset();
        }
    }

    private void WritePowerManagement(int offset, int sizeBytes, uint value)
    {
        const uint SleepEnable = 1u << 13;
        const uint SleepType = 7u << 10;
        if (((value << (8 * offset)) & (SleepEnable | SleepType)) == SleepEnable)
        {
            _powerOff();
        }
    }

    private void WriteLetter(int offset, int sizeBytes, uint value)
    {
        bool fits = _shutdownLetters < Word.Length && value == Word[_shutdownLetters];
        _shutdownLetters = fits ? (byte)(_shutdownLetters + 1) : value == Word[0] ? (byte)1 : (byte)0;
        if (_shutdownLetters == Word.Length)
        {
            _shutdownLetters = 0;
            _powerOff();
        }
    }
}
