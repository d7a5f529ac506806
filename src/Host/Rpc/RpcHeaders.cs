// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using System.Text;

namespace KvmActors.Host.Rpc;

/// <summary>The texts that gRPC puts into HTTP/2 headers and trailers.</summary>
/// <remarks>Source: grpc/grpc, doc/PROTOCOL-HTTP2.md, "Requests" and "Responses".</remarks>
internal static class RpcHeaders
{
    public const string ContentType = "application/grpc";
    public const string Status = "grpc-status";
    public const string Message = "grpc-message";
    public const string Timeout = "grpc-timeout";
    public const string Encoding = "grpc-encoding";
    public const string Identity = "identity";

    /// <summary>A timeout's number has at most eight digits.</summary>
    private const long TimeoutNumberMax = 99_999_999;

    private static readonly (char Unit, long Ticks)[] s_units =
    [
        ('u', TimeSpan.TicksPerMicrosecond),
        ('m', TimeSpan.TicksPerMillisecond),
        ('S', TimeSpan.TicksPerSecond),
        ('M', TimeSpan.TicksPerMinute),
        ('H', TimeSpan.TicksPerHour),
    ];

    /// <summary>True for <c>application/grpc</c> and its subtypes, which all carry Protobuf here.</summary>
    public static bool IsGrpc(string? contentType) =>
        contentType is not null
        && contentType.StartsWith(ContentType, StringComparison.OrdinalIgnoreCase)
        && (contentType.Length == ContentType.Length || contentType[ContentType.Length] is '+' or ';');

    /// <summary>A positive number of at most eight digits and a unit: H, M, S, m, u or n.</summary>
    public static bool TryParseTimeout(string text, out TimeSpan timeout)
    {
        timeout = default;
        if (text.Length is < 2 or > 9 || !long.TryParse(
            text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out long number))
        {
            return false;
        }

        if (text[^1] == 'n')
        {
            timeout = new TimeSpan(number / TimeSpan.NanosecondsPerTick);
            return true;
        }

        foreach ((char unit, long ticks) in s_units)
        {
            if (unit == text[^1])
            {
                timeout = new TimeSpan(number * ticks);
                return true;
            }
        }

        return false;
    }

    /// <summary>In the finest unit that eight digits can hold, rounded up.</summary>
    public static string FormatTimeout(TimeSpan timeout)
    {
        foreach ((char unit, long ticks) in s_units)
        {
            long number = Math.Max(1, (timeout.Ticks + ticks - 1) / ticks);
            if (number <= TimeoutNumberMax)
            {
                return number.ToString(CultureInfo.InvariantCulture) + unit;
            }
        }

        return $"{TimeoutNumberMax}H";
    }

    /// <summary>UTF-8, with % and everything outside of printable ASCII as %XX.</summary>
    public static string EncodeMessage(string message)
    {
        StringBuilder encoded = new(message.Length);
        foreach (byte b in System.Text.Encoding.UTF8.GetBytes(message))
        {
            if (b is >= 0x20 and <= 0x7E and not (byte)'%')
            {
                encoded.Append((char)b);
            }
            else
            {
                encoded.Append('%').Append(b.ToString("X2", CultureInfo.InvariantCulture));
            }
        }

        return encoded.ToString();
    }

    /// <summary>Takes what is no %XX as it stands, as the specification asks of readers.</summary>
    public static string DecodeMessage(string encoded)
    {
        List<byte> decoded = new(encoded.Length);
        for (int i = 0; i < encoded.Length; i++)
        {
            if (encoded[i] == '%' && i + 2 < encoded.Length && byte.TryParse(
                encoded.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte b))
            {
                decoded.Add(b);
                i += 2;
            }
            else
            {
                decoded.AddRange(System.Text.Encoding.UTF8.GetBytes(encoded, i, 1));
            }
        }

        return System.Text.Encoding.UTF8.GetString([.. decoded]);
    }
}
