// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Machine.Devices;

/// <summary>The two 8259A of a PC: the master at ports 20h and 21h, the slave at A0h and A1h whose INT is the master's
/// input 2, and their edge/level control registers at 4D0h and 4D1h.</summary>
internal sealed class PicPair
{
    private const int CascadeInput = 2;

    private readonly Pic8259 _master = new(elcrMask: 0xF8);
    private readonly Pic8259 _slave = new(elcrMask: 0xDE);
    private readonly Action<bool> _interrupt;
    private bool _output;

    /// <param name="interrupt">Takes the master's INT output whenever it changes.</param>
    public PicPair(Action<bool> interrupt)
    {
        _interrupt = interrupt;
        Ports =
        [
            PortsOf(_master, firstPort: 0x20),
            PortsOf(_slave, firstPort: 0xA0),
            new PortWindow(
                0x4D0,
                2,
                takesWideAccess: false,
                (o, _) => (o == 0 ? _master : _slave).Elcr,
                (o, _, v) => WriteElcr(o == 0 ? _master : _slave, v)),
        ];
    }

    public ImmutableArray<IPortDevice> Ports { get; }

    /// <summary>The master's INT output.</summary>
    public bool HasInterrupt => _output;

    /// <param name="irq">0 to 15; 2 is the cascade and has no effect.</param>
    public void SetLine(int irq, bool level)
    {
        if (irq == CascadeInput)
        {
            return;
        }

        (irq < 8 ? _master : _slave).SetLine(irq & 7, level);
        Settle();
    }

    /// <summary>False if the input is masked, at its chip or at the cascade.</summary>
    /// <param name="irq">0 to 15.</param>
    public bool IsHeard(int irq) =>
        irq < 8 ? !_master.Masks(irq) : !_slave.Masks(irq & 7) && !_master.Masks(CascadeInput);

    /// <summary>The processor's two INTA cycles.</summary>
    /// <returns>The vector; a spurious one (input 7) if nothing asks any more.</returns>
    public byte Acknowledge()
    {
        const int Spurious = 7;
        int? input = _master.Acknowledge();
        byte vector = _master.VectorOf(input ?? Spurious);
        if (input == CascadeInput && _master.HasSlaveAt(CascadeInput))
        {
            vector = _slave.VectorOf(_slave.Acknowledge() ?? Spurious);

            // The slave's INT falls while it is acknowledged; if more is pending it rises again as a new edge.
            _master.SetLine(CascadeInput, level: false);
        }

        Settle();
        return vector;
    }

    public (Pic8259State Master, Pic8259State Slave) Save() => (_master.Save(), _slave.Save());

    public void Restore(Pic8259State master, Pic8259State slave)
    {
        _master.Restore(master);
        _slave.Restore(slave);
        _output = _master.HasRequest;
    }

    private PortWindow PortsOf(Pic8259 chip, ushort firstPort) => new(
        firstPort,
        portCount: 2,
        takesWideAccess: false,
        (offset, _) => Read(chip, offset),
        (offset, _, value) => Write(chip, offset, value));

    private uint Read(Pic8259 chip, int address)
    {
        if (!chip.TakePoll())
        {
            return chip.Read(address);
        }

        uint answer = chip.Acknowledge() is { } input ? 0x80u | (uint)input : 0;
        if (chip == _slave)
        {
            _master.SetLine(CascadeInput, level: false);
        }

        Settle();
        return answer;
    }

    private void Write(Pic8259 chip, int address, uint value)
    {
        chip.Write(address, (byte)value);
        Settle();
    }

    private void WriteElcr(Pic8259 chip, uint value)
    {
        chip.Elcr = (byte)value;
        Settle();
    }

    private void Settle()
    {
        _master.SetLine(CascadeInput, _slave.HasRequest);
        if (_master.HasRequest != _output)
        {
            _output = !_output;
            _interrupt(_output);
        }
    }
}
