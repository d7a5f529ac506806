// SPDX-License-Identifier: Apache-2.0

using System.Buffers;

namespace KvmActors.Machine.Devices;

/// <summary>A 16550A UART at COM1 (0x3F8): what the guest sends is the console's output, what a client sends is its
/// input.</summary>
/// <remarks>
/// <para>The line has no speed: a byte is sent the moment it is written, so THRE and TEMT are always set, and writing
/// one takes the transmitter's interrupt back and raises it again at once. Input below the FIFO's trigger level is a
/// character timeout at once. Input that the FIFO cannot take waits behind it, so a client never causes an overrun;
/// only loopback can. Nothing sends a break, and sending one has no effect.</para>
/// <para>As a PC wires it, OUT2 lets the interrupt through to its line, and loopback holds OUT2 back.</para>
/// <para>Source: National Semiconductor PC16550D data sheet, section 8 "Registers".</para>
/// </remarks>
internal sealed class Serial16550 : IPortDevice
{
    /// <summary>Input bytes that may wait for the guest. Whoever injects more must be refused.</summary>
    public const int ReceivedBytesMax = SerialState.ReceivedBytesMax;

    private const int ReceiveFifoBytes = 16;
    private const ushort DivisorAtReset = 12;
    private const byte FifoEnable = 0x01;
    private const byte ModemOut2 = 0x08;
    private const byte ModemLoopback = 0x10;
    private const byte LineDivisorLatch = 0x80;
    private const byte InterruptReceived = 0x01;
    private const byte InterruptTransmit = 0x02;
    private const byte InterruptLine = 0x04;
    private const byte InterruptModem = 0x08;
    private const uint NoInterrupt = 0x01;
    private const uint TransmitInterrupt = 0x02;

    private readonly IBufferWriter<byte> _console;
    private readonly Action<bool>? _interrupt;
    private readonly Queue<byte> _received = new();
    private byte _interruptEnable;
    private byte _fifoControl;
    private byte _lineControl;
    private byte _modemControl;
    private byte _scratch;
    private ushort _divisor = DivisorAtReset;
    private bool _overrun;
    private bool _transmitInterruptPending;
    private byte _modemChanges;
    private bool _line;

    /// <param name="console">Takes each byte the guest transmits, in order.</param>
    /// <param name="interrupt">Takes the level of the interrupt line whenever it changes; it is low at first.</param>
    public Serial16550(IBufferWriter<byte> console, Action<bool>? interrupt = null)
    {
        _console = console;
        _interrupt = interrupt;
    }

    public ushort FirstPort => 0x3F8;

    public int PortCount => 8;

    public bool TakesWideAccess => false;

    /// <summary>How many more input bytes may be injected now.</summary>
    public int InputRoomBytes => ReceivedBytesMax - _received.Count;

    /// <summary>True if input that arrives asks for an interrupt.</summary>
    public bool InterruptsOnReceive => (_interruptEnable & InterruptReceived) != 0;

    private bool Loopback => (_modemControl & ModemLoopback) != 0;

    private bool DivisorLatch => (_lineControl & LineDivisorLatch) != 0;

    private bool FifoEnabled => (_fifoControl & FifoEnable) != 0;

    public void Inject(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > InputRoomBytes)
        {
            throw new ArgumentException(
                $"Expected at most {InputRoomBytes} bytes of console input, found {bytes.Length}: the guest has not "
                + "read "
                + $"the {_received.Count} before them. Send them when it has.",
                nameof(bytes));
        }

        foreach (byte each in bytes)
        {
            _received.Enqueue(each);
        }

        DriveLine();
    }

    /// <summary>Registers that are only kept, and the status of a line on which nothing was lost.</summary>
    public bool IsQuiet(int offset, bool isWrite)
    {
        const int Scratch = 7;
        return offset == Scratch || (!isWrite && (offset is 1 or 3 or 4 || (offset == 5 && !_overrun)));
    }

    public uint Read(int offset, int sizeBytes)
    {
        uint value = offset switch
        {
            0 => DivisorLatch ? (byte)_divisor : TakeReceived(),
            1 => DivisorLatch ? (uint)(_divisor >> 8) : _interruptEnable,
            2 => IdentifyInterrupt(),
            3 => _lineControl,
            4 => _modemControl,
            5 => TakeLineStatus(),
            6 => TakeModemStatus(),
            _ => _scratch,
        };
        DriveLine();
        return value;
    }

    public void Write(int offset, int sizeBytes, uint value)
    {
        WriteRegister(offset, (byte)value);
        DriveLine();
    }

    public SerialState Save() => new(
        _interruptEnable,
        _fifoControl,
        _lineControl,
        _modemControl,
        _scratch,
        _divisor,
        _overrun,
        _transmitInterruptPending,
        [.. _received],
        _modemChanges);

    public void Restore(SerialState state)
    {
        _interruptEnable = state.InterruptEnable;
        _fifoControl = state.FifoControl;
        _lineControl = state.LineControl;
        _modemControl = state.ModemControl;
        _scratch = state.Scratch;
        _divisor = state.Divisor;
        _overrun = state.Overrun;
        _transmitInterruptPending = state.TransmitInterruptPending;
        _modemChanges = state.ModemChanges;
        _received.Clear();
        foreach (byte each in state.Received)
        {
            _received.Enqueue(each);
        }

        _line = IsLineHigh();
    }

    private void WriteRegister(int offset, byte written)
    {
        switch (offset)
        {
            case 0 when DivisorLatch:
                _divisor = (ushort)((_divisor & 0xFF00) | written);
                break;
            case 0:
                Transmit(written);
                break;
            case 1 when DivisorLatch:
                _divisor = (ushort)((_divisor & 0x00FF) | (written << 8));
                break;
            case 1:
                EnableInterrupts(written);
                break;
            case 2:
                ControlFifo(written);
                break;
            case 3:
                _lineControl = written;
                break;
            case 4:
                ControlModem(written);
                break;
            case 7:
                _scratch = written;
                break;
            default:
                // LSR and MSR are read-only; the data sheet reserves writes to them for factory tests.
                break;
        }
    }

    private void Transmit(byte value)
    {
        // The register is full, and empty again: the line falls and rises, which an edge-triggered input must see.
        _transmitInterruptPending = false;
        DriveLine();
        _transmitInterruptPending = true;
        if (!Loopback)
        {
            _console.Write([value]);
            return;
        }

        int capacity = FifoEnabled ? ReceiveFifoBytes : 1;
        if (_received.Count >= capacity)
        {
            // The FIFO keeps what it has; the byte in the shift register is lost (section 8.4.1, OE).
            _overrun = true;
            return;
        }

        _received.Enqueue(value);
    }

    private uint TakeReceived() => _received.TryDequeue(out byte value) ? value : 0u;

    private uint TakeLineStatus()
    {
        const uint TransmitterEmpty = 0x60;
        uint status = TransmitterEmpty | (_received.Count > 0 ? 1u : 0u) | (_overrun ? 2u : 0u);
        _overrun = false;
        return status;
    }

    private uint IdentifyInterrupt()
    {
        uint pending = PendingInterrupt();
        if (pending == TransmitInterrupt)
        {
            // Reading IIR while it names the transmitter takes that interrupt back (table in section 8.6).
            _transmitInterruptPending = false;
        }

        return pending | (FifoEnabled ? 0xC0u : 0u);
    }

    /// <summary>IIR bits 3:0: the most urgent interrupt.</summary>
    private uint PendingInterrupt()
    {
        if ((_interruptEnable & InterruptLine) != 0 && _overrun)
        {
            return 0x06;
        }

        if ((_interruptEnable & InterruptReceived) != 0 && _received.Count > 0)
        {
            return _received.Count >= ReceiveTrigger() ? 0x04u : 0x0Cu;
        }

        if ((_interruptEnable & InterruptTransmit) != 0 && _transmitInterruptPending)
        {
            return TransmitInterrupt;
        }

        return (_interruptEnable & InterruptModem) != 0 && _modemChanges != 0 ? 0u : NoInterrupt;
    }

    private int ReceiveTrigger() => FifoEnabled
        ? (_fifoControl >> 6) switch
        {
            0 => 1,
            1 => 4,
            2 => 8,
            _ => 14,
        }
        : 1;

    private bool IsLineHigh() => (_modemControl & (ModemOut2 | ModemLoopback)) == ModemOut2
        && PendingInterrupt() != NoInterrupt;

    private void DriveLine()
    {
        bool high = IsLineHigh();
        if (high != _line)
        {
            _line = high;
            _interrupt?.Invoke(high);
        }
    }

    private uint TakeModemStatus()
    {
        uint status = ModemInputs() | _modemChanges;
        _modemChanges = 0;
        return status;
    }

    /// <summary>MSR bits 7:4.</summary>
    private uint ModemInputs()
    {
        const uint PeerReady = 0xB0;
        if (!Loopback)
        {
            return PeerReady;
        }

        // Section 8.7, loopback: the outputs DTR, RTS, OUT1, OUT2 come back as DSR, CTS, RI, DCD.
        uint outputs = _modemControl;
        uint dtr = outputs & 1;
        uint rts = (outputs >> 1) & 1;
        uint out1 = (outputs >> 2) & 1;
        uint out2 = (outputs >> 3) & 1;
        return (rts << 4) | (dtr << 5) | (out1 << 6) | (out2 << 7);
    }

    private void ControlModem(byte written)
    {
        const uint Ring = 0x04;
        uint before = ModemInputs() >> 4;
        _modemControl = (byte)(written & 0x1F);
        uint after = ModemInputs() >> 4;

        // The ring indicator counts only as it ends.
        uint changed = (before ^ after) & (~Ring | before);
        _modemChanges |= (byte)changed;
    }

    private void EnableInterrupts(byte written)
    {
        byte enabled = (byte)(written & 0x0F);
        if ((enabled & ~_interruptEnable & InterruptTransmit) != 0)
        {
            // The transmitter is empty, so enabling its interrupt raises it at once.
            _transmitInterruptPending = true;
        }

        _interruptEnable = enabled;
    }

    private void ControlFifo(byte written)
    {
        const byte ClearReceive = 0x02;
        bool toggled = ((written ^ _fifoControl) & FifoEnable) != 0;
        if (toggled || (written & ClearReceive) != 0)
        {
            ClearReceiveFifo();
        }

        // Bits 1 and 2 clear themselves; without bit 0 no other bit is programmed.
        _fifoControl = (written & FifoEnable) != 0 ? (byte)(written & 0xC9) : (byte)0;
    }

    private void ClearReceiveFifo()
    {
        int inFifo = Math.Min(_received.Count, FifoEnabled ? ReceiveFifoBytes : 1);
        for (int i = 0; i < inFifo; i++)
        {
            _ = _received.Dequeue();
        }
    }
}
