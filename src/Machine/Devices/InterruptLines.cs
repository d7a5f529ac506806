// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine.Devices;

/// <summary>The interrupt lines of the machine, 0 to 23: lines 0 to 15 are the ISA IRQs and reach both the 8259 pair
/// and the I/O APIC, the others the I/O APIC alone.</summary>
/// <remarks>IRQ0 is pin 2 of the I/O APIC, as the interrupt source override of every PC's ACPI tables says, and IRQ2
/// does not exist. A line is high while anybody holds it high.</remarks>
internal sealed class InterruptLines(PicPair pics, IoApic ioApic)
{
    /// <summary>Counter 0 of the 8254.</summary>
    public const int Timer = 0;

    /// <summary>The real-time clock.</summary>
    public const int Clock = 8;

    private const int IsaLineCount = 16;
    private const int CascadeLine = 2;

    private uint _byDevices;
    private uint _byTestDevice;

    public void SetByDevice(int line, bool level)
    {
        _byDevices = With(_byDevices, line, level);
        Drive(line);
    }

    public void SetByTestDevice(int line, bool level)
    {
        _byTestDevice = With(_byTestDevice, line, level);
        Drive(line);
    }

    /// <summary>False if nothing comes of the line but for what the guest reads of it: both controllers mask it.
    /// </summary>
    public bool IsHeard(int line) =>
        (line < IsaLineCount && pics.IsHeard(line)) || ioApic.IsHeard(PinOf(line));

    public InterruptLinesState Save() => new(_byDevices, _byTestDevice);

    public void Restore(InterruptLinesState state)
    {
        _byDevices = state.ByDevices;
        _byTestDevice = state.ByTestDevice;
    }

    private static int PinOf(int line) => line == Timer ? CascadeLine : line;

    private static uint With(uint levels, int line, bool level) =>
        level ? levels | (1u << line) : levels & ~(1u << line);

    private void Drive(int line)
    {
        if (line == CascadeLine)
        {
            return;
        }

        bool level = ((_byDevices | _byTestDevice) & (1u << line)) != 0;
        if (line < IsaLineCount)
        {
            pics.SetLine(line, level);
        }

        ioApic.SetLine(PinOf(line), level);
    }
}
