// SPDX-License-Identifier: Apache-2.0

using System.Text;
using KvmActors.Host.Debug;
using Xunit.Abstractions;

namespace KvmActors.Host.Tests.Debug;

/// <summary>gdb's packets, byte for byte.</summary>
public sealed class GdbFrameTests(ITestOutputHelper output)
{
    private static List<GdbFrame> Decode(ReadOnlySpan<byte> bytes)
    {
        GdbFrameDecoder decoder = new();
        List<GdbFrame> frames = [];
        foreach (byte next in bytes)
        {
            if (decoder.Push(next) is { } frame)
            {
                frames.Add(frame);
            }
        }

        return frames;
    }

    private static string TextOf(GdbFrame frame) =>
        Encoding.Latin1.GetString(Assert.IsType<GdbFrame.Packet>(frame).Payload.Span);

    [Theory]
    [InlineData("", "$#00")]
    [InlineData("OK", "$OK#9a")]
    [InlineData("T05thread:1;", "$T05thread:1;#d7")]
    [InlineData("a#b$c}d*", "$a}\u0003b}\u0004c}]d}\n#ec")]
    public void A_payload_becomes_a_packet_with_checksum_and_escapes(string payload, string packet) =>
        Assert.Equal(packet, Encoding.Latin1.GetString(GdbFrameEncoder.Encode(Encoding.Latin1.GetBytes(payload))));

    [Fact]
    public void What_is_encoded_is_decoded_to_the_same_whatever_its_bytes()
    {
        byte[] all = [.. Enumerable.Range(0, 256).Select(value => (byte)value)];

        GdbFrame frame = Assert.Single(Decode(GdbFrameEncoder.Encode(all)));

        Assert.Equal(all, Assert.IsType<GdbFrame.Packet>(frame).Payload.ToArray());
    }

    [Fact]
    public void Acknowledgements_interrupts_and_packets_come_out_in_their_order()
    {
        List<GdbFrame> frames = Decode("+$g#67-\u0003x$?#3f"u8);

        Assert.Equal(5, frames.Count);
        Assert.IsType<GdbFrame.Acknowledged>(frames[0]);
        Assert.Equal("g", TextOf(frames[1]));
        Assert.IsType<GdbFrame.Resend>(frames[2]);
        Assert.IsType<GdbFrame.Interrupt>(frames[3]);
        Assert.Equal("?", TextOf(frames[4]));
    }

    [Theory]
    [InlineData("$g#68", "Expected the checksum 67, found 68.")]
    [InlineData("$g#6z", "Expected two hexadecimal digits behind '#', found the byte 7a.")]
    [InlineData("$g##", "Expected two hexadecimal digits behind '#', found the byte 23.")]
    [InlineData("$g}#", "Expected a byte behind the escape 7d, found the packet's end.")]
    public void A_packet_that_is_wrong_is_refused_with_what_is_wrong_and_the_next_is_taken(string bytes, string why)
    {
        List<GdbFrame> frames = Decode(Encoding.Latin1.GetBytes(bytes + "$g#67"));

        Assert.Equal(why, Assert.IsType<GdbFrame.Damaged>(frames[0]).Why);
        Assert.Equal("g", TextOf(frames[1]));
    }

    [Fact]
    public void A_packet_that_begins_inside_of_another_replaces_it() =>
        Assert.Equal("g", TextOf(Assert.Single(Decode("$m1000,$g#67"u8))));

    [Fact]
    public void A_packet_beyond_the_bound_is_refused_once_and_the_next_is_taken()
    {
        byte[] endless = new byte[3 * GdbFrameDecoder.PayloadBytesMax];
        Array.Fill(endless, (byte)'a');

        List<GdbFrame> frames = Decode([(byte)'$', .. endless, .. "#00$g#67"u8]);

        Assert.Equal(
            "Expected at most 16384 bytes in a packet, found more.", Assert.IsType<GdbFrame.Damaged>(frames[0]).Why);
        Assert.Equal("g", TextOf(Assert.Single(frames.Skip(1))));
    }

    [Fact]
    public void Garbage_is_taken_without_a_fault_and_a_good_packet_behind_it_arrives()
    {
        int seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        Random random = new(seed);
        byte[] likely = "$#}+-\u0003*0a"u8.ToArray();
        for (int round = 0; round < 2_000; round++)
        {
            byte[] garbage = new byte[random.Next(200)];
            random.NextBytes(garbage);
            for (int i = 0; i < garbage.Length; i++)
            {
                garbage[i] = random.Next(3) == 0 ? likely[random.Next(likely.Length)] : garbage[i];
            }

            // Two digits end what the garbage may have begun.
            List<GdbFrame> frames = Decode([.. garbage, .. "00$qC#b4"u8]);

            Assert.Equal("qC", TextOf(frames[^1]));
        }
    }
}
