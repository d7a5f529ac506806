// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Apic;

namespace KvmActors.Machine.Devices;

/// <summary>The I/O APIC at GPA FEC00000h: 24 pins, version 11h.</summary>
/// <remarks>
/// <para>Version 11h is the one of KVM's: it has no EOI register, so a level-triggered entry hears of the end of its
/// interrupt by the broadcast of a local APIC. As in KVM, writing an entry as edge-triggered clears its remote IRR,
/// which is how kernels get rid of a stuck one.</para>
/// <para>All inputs are active high, whatever the entry's polarity says: devices tell levels, not voltages. A message
/// is accepted at once, so the delivery status is always idle. Only fixed and lowest-priority entries are level-
/// triggered, as the data sheet demands for the others.</para>
/// <para>Source: Intel 82093AA data sheet, section 3 "Register description".</para>
/// </remarks>
internal sealed class IoApic(Action<InterruptMessage> send)
{
    public const ulong FirstGpa = 0xFEC0_0000;
    public const ulong SizeBytes = 0x1000;
    public const int PinCount = IoApicState.PinCount;

    private const uint Version = 0x11;
    private const ulong DeliveryStatus = 1UL << 12;
    private const ulong RemoteIrr = 1UL << 14;
    private const ulong LevelTriggered = 1UL << 15;
    private const ulong Masked = 1UL << 16;
    private const ulong Writable = 0xFF00_0000_0001_AFFF;
    private const int TableStart = 0x10;

    private readonly ulong[] _redirections = NewTable();
    private byte _select;
    private byte _id;
    private uint _lines;

    public void SetLine(int pin, bool level)
    {
        uint bit = 1u << pin;
        bool rises = level && (_lines & bit) == 0;
        _lines = level ? _lines | bit : _lines & ~bit;
        if (IsLevel(_redirections[pin]))
        {
            ServeLevel(pin);
        }
        else if (rises && (_redirections[pin] & Masked) == 0)
        {
            // A masked edge is lost.
            Send(_redirections[pin], isLevel: false);
        }
    }

    /// <summary>False if the pin's redirection is masked.</summary>
    public bool IsHeard(int pin) => (_redirections[pin] & Masked) == 0;

    /// <summary>A local APIC has ended a level-triggered interrupt.</summary>
    public void EndOfInterrupt(byte vector)
    {
        for (int pin = 0; pin < PinCount; pin++)
        {
            ulong entry = _redirections[pin];
            if ((byte)entry == vector && IsLevel(entry) && (entry & RemoteIrr) != 0)
            {
                _redirections[pin] &= ~RemoteIrr;
                ServeLevel(pin);
            }
        }
    }

    /// <param name="offset">From <see cref="FirstGpa"/>.</param>
    public uint Read(ulong offset) => offset switch
    {
        0x00 => _select,
        0x10 => ReadRegister(),
        _ => 0,
    };

    /// <param name="offset">From <see cref="FirstGpa"/>.</param>
    public void Write(ulong offset, uint value)
    {
        if (offset == 0x00)
        {
            _select = (byte)value;
        }
        else if (offset == 0x10)
        {
            WriteRegister(value);
        }
    }

    public IoApicState Save() => new(_select, _id, _lines, [.. _redirections]);

    public void Restore(IoApicState state)
    {
        _select = state.Select;
        _id = state.Id;
        _lines = state.Lines;
        state.Redirections.AsSpan().CopyTo(_redirections);
    }

    private static ulong[] NewTable()
    {
        ulong[] table = new ulong[PinCount];
        Array.Fill(table, Masked);
        return table;
    }

    private static DeliveryMode ModeOf(ulong entry) => (DeliveryMode)((entry >> 8) & 7);

    private static bool IsLevel(ulong entry) => (entry & LevelTriggered) != 0
        && ModeOf(entry) is DeliveryMode.Fixed or DeliveryMode.LowestPriority;

    private uint ReadRegister()
    {
        switch (_select)
        {
            case 0x00 or 0x02:
                return (uint)_id << 24;
            case 0x01:
                return ((PinCount - 1) << 16) | Version;
            case >= TableStart and < TableStart + (2 * PinCount):
                ulong entry = _redirections[(_select - TableStart) / 2];
                return (uint)((_select & 1) == 0 ? entry : entry >> 32);
            default:
                return 0;
        }
    }

    private void WriteRegister(uint value)
    {
        if (_select == 0)
        {
            _id = (byte)((value >> 24) & 0x0F);
        }
        else if (_select is >= TableStart and < TableStart + (2 * PinCount))
        {
            int pin = (_select - TableStart) / 2;
            ulong before = _redirections[pin];
            ulong written = (_select & 1) == 0
                ? (before & 0xFFFF_FFFF_0000_0000) | value
                : (before & 0xFFFF_FFFF) | ((ulong)value << 32);
            _redirections[pin] = (written & Writable) | (before & (RemoteIrr | DeliveryStatus));
            if (!IsLevel(written))
            {
                _redirections[pin] &= ~RemoteIrr;
            }

            ServeLevel(pin);
        }
    }

    /// <summary>Sends a level-triggered interrupt that is wanted and not under way.</summary>
    private void ServeLevel(int pin)
    {
        ulong entry = _redirections[pin];
        bool isHigh = (_lines & (1u << pin)) != 0;
        if (isHigh && IsLevel(entry) && (entry & (Masked | RemoteIrr)) == 0)
        {
            _redirections[pin] |= RemoteIrr;
            Send(entry, isLevel: true);
        }
    }

    private void Send(ulong entry, bool isLevel)
    {
        const ulong Logical = 1UL << 11;
        DeliveryMode mode = ModeOf(entry);
        if (mode is DeliveryMode.RemoteRead or DeliveryMode.StartUp)
        {
            return;
        }

        send(new InterruptMessage(
            (byte)entry,
            mode,
            IsLogical: (entry & Logical) != 0,
            Destination: (uint)(entry >> 56),
            DestinationShorthand.None,
            isLevel,
            IsAsserted: true,
            IsWide: false));
    }
}
