// SPDX-License-Identifier: Apache-2.0

using KvmActors.Machine.Devices;
using Xunit;

namespace KvmActors.Machine.Tests.Devices;

/// <summary>What the 8259A data sheet says, seen from the ports of a PC's pair.</summary>
public sealed class Pic8259Tests
{
    private const ushort Master = 0x20;
    private const ushort Slave = 0xA0;

    private readonly PlatformRig _rig = new();

    public Pic8259Tests() => _rig.InitializePics();

    private bool Asks => _rig.Platform.HasExternalInterrupt;

    [Fact]
    public void The_lowest_numbered_request_is_served_first_and_the_next_one_after_its_end()
    {
        Raise(5, 3);

        Assert.Equal(0x23, Acknowledge());
        Assert.False(Asks);
        End();
        Assert.Equal(0x25, Acknowledge());
    }

    [Fact]
    public void A_more_urgent_request_interrupts_a_service_and_ends_first()
    {
        Raise(5);
        Assert.Equal(0x25, Acknowledge());
        Raise(1);
        Assert.Equal(0x21, Acknowledge());
        Assert.Equal(0x22u, InService(Master));

        End();
        Assert.Equal(0x20u, InService(Master));
    }

    [Fact]
    public void A_specific_end_ends_the_service_that_it_names()
    {
        Raise(5);
        _ = Acknowledge();
        Raise(1);
        _ = Acknowledge();

        _rig.Out(Master, 0x65);

        Assert.Equal(0x02u, InService(Master));
    }

    [Fact]
    public void Automatic_end_leaves_nothing_in_service()
    {
        _rig.InitializePics(icw4: 0x03);
        Raise(5, 6);

        Assert.Equal(0x25, Acknowledge());
        Assert.Equal(0x26, Acknowledge());
        Assert.Equal(0u, InService(Master));
    }

    [Fact]
    public void Rotation_at_the_end_makes_the_served_input_the_last()
    {
        Raise(3);
        _ = Acknowledge();
        Lower(3);
        Raise(3, 4);
        _rig.Out(Master, 0xA0);

        Assert.Equal(0x24, Acknowledge());
    }

    [Fact]
    public void Rotation_on_automatic_end_takes_turns()
    {
        _rig.InitializePics(icw4: 0x03);
        _rig.Out(Master, 0x80);
        Raise(3);
        Assert.Equal(0x23, Acknowledge());
        Lower(3);
        Raise(3, 4);

        Assert.Equal(0x24, Acknowledge());
    }

    [Fact]
    public void Set_priority_names_the_last_input()
    {
        _rig.Out(Master, 0xC3);
        Raise(3, 5);
        Assert.Equal(0x25, Acknowledge());
    }

    [Fact]
    public void Special_mask_mode_lets_less_urgent_requests_pass_a_masked_service()
    {
        Raise(1);
        _ = Acknowledge();
        Raise(6);
        Assert.False(Asks);

        _rig.Out(Master + 1, 0x02);
        _rig.Out(Master, 0x68);
        Assert.Equal(0x26, Acknowledge());

        // What is masked is not seen by a non-specific end.
        End();
        Assert.Equal(0x02u, InService(Master));
    }

    [Fact]
    public void A_masked_request_waits_until_it_is_unmasked()
    {
        _rig.Out(Master + 1, 0x20);
        Raise(5);
        Assert.False(Asks);
        Assert.Equal(0x20u, _rig.In(Master + 1));

        _rig.Out(Master + 1, 0x00);
        Assert.Equal(0x25, Acknowledge());
    }

    [Fact]
    public void A_poll_acknowledges_and_tells_the_input()
    {
        Raise(3);
        _rig.Out(Master, 0x0C);
        Assert.Equal(0x83u, _rig.In(Master));
        Assert.Equal(0x08u, InService(Master));

        _rig.Out(Master, 0x0C);
        Assert.Equal(0u, _rig.In(Master));
    }

    [Fact]
    public void A_request_that_is_gone_when_acknowledged_is_input_7_and_not_in_service()
    {
        Raise(3);
        Lower(3);

        Assert.Equal(0x27, Acknowledge());
        Assert.Equal(0u, InService(Master));
    }

    [Fact]
    public void A_slave_whose_request_is_gone_answers_with_its_input_7()
    {
        Pic8259 chip = new(elcrMask: 0xDE);
        foreach ((int address, byte value) in new (int, byte)[] { (0, 0x11), (1, 0x28), (1, 2), (1, 1) })
        {
            chip.Write(address, value);
        }

        chip.SetLine(2, level: true);
        chip.SetLine(2, level: false);

        Assert.Null(chip.Acknowledge());
        Assert.Equal(0x2F, chip.VectorOf(7));
        Assert.Equal(0, chip.Save().InService);
    }

    [Fact]
    public void A_request_of_the_slave_is_in_service_in_both_and_needs_two_ends()
    {
        Raise(10, 12);

        Assert.Equal(0x2A, Acknowledge());
        Assert.Equal(0x04u, InService(Master));
        Assert.Equal(0x04u, InService(Slave));
        _rig.Out(Slave, 0x20);
        Assert.False(Asks);
        End();
        Assert.Equal(0x2C, Acknowledge());
    }

    [Theory]
    [InlineData(0x01, false)]
    [InlineData(0x11, true)]
    public void Only_special_fully_nested_mode_lets_the_slave_interrupt_its_own_service(byte icw4, bool expected)
    {
        _rig.InitializePics(icw4: icw4);
        Raise(12);
        _ = Acknowledge();
        Raise(9);

        Assert.Equal(expected, Asks);
        if (expected)
        {
            Assert.Equal(0x29, Acknowledge());
        }
    }

    [Fact]
    public void An_edge_asks_once_however_long_the_line_stays_high()
    {
        Raise(5);
        _ = Acknowledge();
        End();
        Assert.False(Asks);

        Lower(5);
        Raise(5);
        Assert.True(Asks);
    }

    [Theory]
    [InlineData(5, 0x20, 0x00)]
    [InlineData(11, 0x00, 0x08)]
    public void A_level_asks_for_as_long_as_the_line_is_high(int irq, byte elcrMaster, byte elcrSlave)
    {
        _rig.Out(0x4D0, elcrMaster);
        _rig.Out(0x4D1, elcrSlave);
        Raise(irq);
        byte vector = Acknowledge();
        EndBoth();
        Assert.Equal(vector, Acknowledge());

        Lower(irq);
        EndBoth();
        Assert.False(Asks);
    }

    [Fact]
    public void ELCR_keeps_timer_keyboard_cascade_clock_and_coprocessor_edge_triggered()
    {
        _rig.Out(0x4D0, 0xFF);
        _rig.Out(0x4D1, 0xFF);
        Assert.Equal(0xF8u, _rig.In(0x4D0));
        Assert.Equal(0xDEu, _rig.In(0x4D1));
    }

    [Fact]
    public void Initialization_forgets_mask_services_and_edges_and_asks_nothing_before_its_last_word()
    {
        Raise(3, 5);
        _ = Acknowledge();
        _rig.Out(Master + 1, 0x77);

        _rig.InitializePics(vectorBase: 0x40);
        Assert.Equal(0u, _rig.In(Master + 1));
        Assert.Equal(0u, InService(Master));
        Assert.False(Asks);

        _rig.Out(Master, 0x11);
        Lower(5);
        Raise(5);
        Assert.False(Asks);
        _rig.Out(Master + 1, 0x40);
        _rig.Out(Master + 1, 0x04);
        Assert.False(Asks);
        _rig.Out(Master + 1, 0x01);
        Assert.Equal(0x45, Acknowledge());
    }

    [Fact]
    public void A_single_controller_without_ICW4_is_initialized_by_two_words()
    {
        _rig.Out(Master, 0x12);
        _rig.Out(Master + 1, 0x50);
        _rig.Out(Master + 1, 0xDF);
        Assert.Equal(0xDFu, _rig.In(Master + 1));
        Raise(5);
        Assert.Equal(0x55, Acknowledge());
    }

    [Fact]
    public void OCW3_chooses_between_requests_and_services()
    {
        Raise(3, 5);
        _ = Acknowledge();
        _rig.Out(Master, 0x0A);
        Assert.Equal(0x20u, _rig.In(Master));
        _rig.Out(Master, 0x0B);
        Assert.Equal(0x08u, _rig.In(Master));
        Assert.Equal(0x08u, _rig.In(Master));
    }

    private uint InService(ushort port)
    {
        _rig.Out(port, 0x0B);
        return _rig.In(port);
    }

    private byte Acknowledge()
    {
        return _rig.Platform.AcknowledgeExternalInterrupt();
    }

    private void End() => _rig.Out(Master, 0x20);

    private void EndBoth()
    {
        _rig.Out(Slave, 0x20);
        End();
    }

    private void Raise(params int[] lines) => Array.ForEach(lines, line => _rig.Line(line, level: true));

    private void Lower(int line) => _rig.Line(line, level: false);
}
