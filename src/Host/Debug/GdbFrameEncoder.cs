// SPDX-License-Identifier: Apache-2.0

using System.Buffers;

namespace KvmActors.Host.Debug;

/// <summary>Makes a payload a packet: see <see cref="GdbFrameDecoder"/>. Run lengths are never sent.</summary>
internal static class GdbFrameEncoder
{
    private const string Digits = "0123456789abcdef";

    /// <summary>What a payload may not hold as it is: '*' would be a run length in what gdb is sent.</summary>
    private static readonly SearchValues<byte> s_escaped = SearchValues.Create("#$}*"u8);

    public static byte[] Encode(ReadOnlySpan<byte> payload)
    {
        ArrayBufferWriter<byte> packet = new(payload.Length + 4);
        packet.Write("$"u8);
        byte sum = 0;
        foreach (byte next in payload)
        {
            bool isEscaped = s_escaped.Contains(next);
            if (isEscaped)
            {
                packet.Write([GdbFrameDecoder.Escape]);
                sum += GdbFrameDecoder.Escape;
            }

            byte sent = isEscaped ? (byte)(next ^ GdbFrameDecoder.EscapeMask) : next;
            packet.Write([sent]);
            sum += sent;
        }

        packet.Write([(byte)'#', (byte)Digits[sum >> 4], (byte)Digits[sum & 0xF]]);
        return packet.WrittenSpan.ToArray();
    }
}
