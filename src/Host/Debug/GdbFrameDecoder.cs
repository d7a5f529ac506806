// SPDX-License-Identifier: Apache-2.0

using System.Globalization;

namespace KvmActors.Host.Debug;

/// <summary>Cuts the bytes that gdb sends into frames. Takes any bytes, and keeps a bounded number of them.</summary>
/// <remarks>
/// <para>A packet is '$', its payload, '#' and two hexadecimal digits: the sum of the payload's bytes modulo 256. In
/// the payload, 7D escapes the next byte, which was changed by an exclusive or with 20. A '$' inside of a packet begins
/// another one: the rest of the first was lost. What stands between frames is skipped.</para>
/// <para>Source: the manual "Debugging with GDB", appendix "Remote Protocol", section "Overview".</para>
/// </remarks>
internal sealed class GdbFrameDecoder
{
    /// <summary>Payload bytes of one packet, as they come over the wire.</summary>
    public const int PayloadBytesMax = 0x4000;

    public const byte Escape = 0x7D;

    public const byte EscapeMask = 0x20;

    private const byte InterruptByte = 0x03;

    private readonly List<byte> _payload = [];
    private Place _place;
    private int _wireBytes;
    private byte _sum;
    private int _firstDigit;

    private enum Place
    {
        Outside,
        Payload,
        Escaped,
        FirstDigit,
        SecondDigit,
    }

    /// <summary>Takes the next byte.</summary>
    /// <returns>A frame that ends with this byte, or null.</returns>
    public GdbFrame? Push(byte next) => _place switch
    {
        Place.Outside => OutsidePacket(next),
        Place.Payload or Place.Escaped => InPayload(next),
        Place.FirstDigit => FirstDigit(next),
        Place.SecondDigit => SecondDigit(next),
    };

    private GdbFrame? OutsidePacket(byte next)
    {
        switch (next)
        {
            case (byte)'$':
                Begin();
                return null;
            case (byte)'+':
                return new GdbFrame.Acknowledged();
            case (byte)'-':
                return new GdbFrame.Resend();
            case InterruptByte:
                return new GdbFrame.Interrupt();
            default:
                return null;
        }
    }

    private void Begin()
    {
        _payload.Clear();
        _wireBytes = 0;
        _sum = 0;
        _place = Place.Payload;
    }

    private GdbFrame.Damaged? InPayload(byte next)
    {
        if (next == '$')
        {
            Begin();
            return null;
        }

        if (next == '#')
        {
            bool isCut = _place == Place.Escaped;
            _place = isCut ? Place.Outside : Place.FirstDigit;
            return isCut ? new GdbFrame.Damaged("Expected a byte behind the escape 7d, found the packet's end.") : null;
        }

        _sum += next;
        if (++_wireBytes > PayloadBytesMax)
        {
            _place = Place.Outside;
            return new GdbFrame.Damaged(string.Create(
                CultureInfo.InvariantCulture, $"Expected at most {PayloadBytesMax} bytes in a packet, found more."));
        }

        if (_place == Place.Payload && next == Escape)
        {
            _place = Place.Escaped;
            return null;
        }

        _payload.Add(_place == Place.Escaped ? (byte)(next ^ EscapeMask) : next);
        _place = Place.Payload;
        return null;
    }

    private GdbFrame.Damaged? FirstDigit(byte next)
    {
        _firstDigit = DigitOf(next);
        _place = _firstDigit < 0 ? Place.Outside : Place.SecondDigit;
        return _firstDigit < 0 ? NoDigit(next) : null;
    }

    private GdbFrame SecondDigit(byte next)
    {
        _place = Place.Outside;
        int digit = DigitOf(next);
        if (digit < 0)
        {
            return NoDigit(next);
        }

        int found = (_firstDigit << 4) | digit;
        return found == _sum
            ? new GdbFrame.Packet(_payload.ToArray())
            : new GdbFrame.Damaged($"Expected the checksum {_sum:x2}, found {found:x2}.");
    }

    private static GdbFrame.Damaged NoDigit(byte next) =>
        new($"Expected two hexadecimal digits behind '#', found the byte {next:x2}.");

    private static int DigitOf(byte next) => next switch
    {
        >= (byte)'0' and <= (byte)'9' => next - '0',
        >= (byte)'a' and <= (byte)'f' => next - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => next - 'A' + 10,
        _ => -1,
    };
}
