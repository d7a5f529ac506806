// SPDX-License-Identifier: Apache-2.0

using System.Buffers;
using KvmActors.Machine.Devices;
using Xunit;

namespace KvmActors.Machine.Tests.Devices;

/// <summary>Register behaviour as the PC16550D data sheet has it, seen through <see cref="IPortDevice"/>.</summary>
public sealed class Serial16550Tests
{
    private const int Data = 0;
    private const int InterruptEnable = 1;
    private const int InterruptIdentification = 2;
    private const int LineControl = 3;
    private const int ModemControl = 4;
    private const int LineStatus = 5;
    private const int ModemStatus = 6;
    private const int Scratch = 7;

    private readonly ArrayBufferWriter<byte> _console = new();
    private readonly Serial16550 _serial;

    public Serial16550Tests() => _serial = new Serial16550(_console);

    [Fact]
    public void Bytes_written_to_THR_reach_the_console_in_order_and_the_transmitter_is_always_empty()
    {
        foreach (byte each in "ok\n"u8)
        {
            Write(Data, each);
            Assert.Equal(0x60u, Read(LineStatus));
        }

        Assert.Equal("ok\n"u8, _console.WrittenSpan);
    }

    [Fact]
    public void The_divisor_latch_hides_data_and_interrupt_enable_while_DLAB_is_set()
    {
        Write(InterruptEnable, 0x05);
        Write(LineControl, 0x83);
        Write(Data, 0x34);
        Write(InterruptEnable, 0x12);

        Assert.Equal(0x34u, Read(Data));
        Assert.Equal(0x12u, Read(InterruptEnable));
        Assert.Equal(0x1234, _serial.Save().Divisor);
        Write(LineControl, 0x03);
        Assert.Equal(0x05u, Read(InterruptEnable));
        Assert.Equal(0, _console.WrittenCount);
    }

    [Fact]
    public void Input_sets_data_ready_until_it_is_read()
    {
        _serial.Inject("ab"u8);

        Assert.Equal(0x61u, Read(LineStatus));
        Assert.Equal((uint)'a', Read(Data));
        Assert.Equal((uint)'b', Read(Data));
        Assert.Equal(0x60u, Read(LineStatus));
        Assert.Equal(0u, Read(Data));
    }

    [Fact]
    public void IIR_names_received_data_before_the_empty_transmitter_and_takes_the_latter_back_once_read()
    {
        Assert.Equal(0x01u, Read(InterruptIdentification));
        Write(InterruptEnable, 0x03);
        _serial.Inject("x"u8);

        Assert.Equal(0x04u, Read(InterruptIdentification));
        Assert.Equal(0x04u, Read(InterruptIdentification));
        _ = Read(Data);
        Assert.Equal(0x02u, Read(InterruptIdentification));
        Assert.Equal(0x01u, Read(InterruptIdentification));
        Write(Data, (byte)'y');
        Assert.Equal(0x02u, Read(InterruptIdentification));
    }

    [Fact]
    public void FIFO_bits_in_IIR_show_only_while_the_FIFO_is_enabled()
    {
        Write(InterruptIdentification, 0xC7);
        Assert.Equal(0xC1u, Read(InterruptIdentification));

        Write(InterruptIdentification, 0x00);
        Assert.Equal(0x01u, Read(InterruptIdentification));
    }

    [Fact]
    public void Clearing_the_receive_FIFO_drops_what_is_in_it_and_keeps_what_waits_behind_it()
    {
        Write(InterruptIdentification, 0x01);
        _serial.Inject("0123456789abcdefBEHIND"u8);

        Write(InterruptIdentification, 0x03);

        Assert.Equal((uint)'B', Read(Data));
    }

    [Fact]
    public void In_loopback_the_outputs_come_back_as_modem_status_and_sent_bytes_as_received_ones()
    {
        Write(ModemControl, 0x1A);
        Assert.Equal(0x92u, Read(ModemStatus));

        Write(Data, 0xAE);

        Assert.Equal(0xAEu, Read(Data));
        Assert.Equal(0, _console.WrittenCount);
        Write(ModemControl, 0x0B);
        Assert.Equal(0xB2u, Read(ModemStatus));
    }

    [Fact]
    public void Loopback_overruns_a_full_receiver_and_LSR_tells_it_once()
    {
        Write(ModemControl, 0x10);
        Write(Data, 1);
        Write(Data, 2);

        Assert.Equal(0x63u, Read(LineStatus));
        Assert.Equal(0x61u, Read(LineStatus));
        Assert.Equal(1u, Read(Data));
        Assert.Equal(0u, Read(Data));
    }

    [Fact]
    public void The_scratch_register_keeps_its_byte()
    {
        Write(Scratch, 0x5A);
        Assert.Equal(0x5Au, Read(Scratch));
    }

    [Fact]
    public void More_input_than_there_is_room_for_is_refused_whole()
    {
        _serial.Inject(new byte[Serial16550.ReceivedBytesMax - 1]);

        ArgumentException refused = Assert.Throws<ArgumentException>(() => _serial.Inject("ab"u8));

        Assert.Contains("at most 1 bytes", refused.Message, StringComparison.Ordinal);
        Assert.Equal(1, _serial.InputRoomBytes);
    }

    [Fact]
    public void A_restored_port_answers_as_the_saved_one_would_have()
    {
        Write(LineControl, 0x80);
        Write(Data, 0x01);
        Write(LineControl, 0x1B);
        Write(InterruptIdentification, 0x81);
        Write(InterruptEnable, 0x0F);
        Write(Scratch, 0x77);
        Write(ModemControl, 0x10);
        for (byte each = 0; each < 20; each++)
        {
            Write(Data, each);
        }

        Serial16550 restored = new(new ArrayBufferWriter<byte>());
        restored.Restore(_serial.Save());

        for (int round = 0; round < 3; round++)
        {
            for (int register = 0; register < 8; register++)
            {
                Assert.Equal(Read(register), restored.Read(register, sizeBytes: 1));
            }
        }
    }

    private uint Read(int register) => _serial.Read(register, sizeBytes: 1);

    private void Write(int register, byte value) => _serial.Write(register, sizeBytes: 1, value);
}
