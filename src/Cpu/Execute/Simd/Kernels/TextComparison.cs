// SPDX-License-Identifier: Apache-2.0

using System.Numerics;
using System.Runtime.Intrinsics;
using Bytes = System.Runtime.Intrinsics.Vector128<byte>;

namespace KvmActors.Cpu.Execute.Simd.Kernels;

/// <summary>What PCMPESTRI, PCMPESTRM, PCMPISTRI and PCMPISTRM compute before they differ: a bit for each element of
/// the
/// second text.</summary>
/// <remarks>Source: Intel SDM vol. 1, section 12.10 "SSE4.2 Text and String Processing Instructions"; vol. 2B, section
/// 4.1 "Imm8 Control Byte Operation".</remarks>
internal readonly struct TextComparison
{
    private const int FormatMask = 1;
    private const int SignedFormat = 2;
    private const int AggregationShift = 2;
    private const int EqualAny = 0;
    private const int Ranges = 1;
    private const int EqualEach = 2;
    private const int PolarityShift = 4;
    private const int PolarityNegative = 1;
    private const int PolarityMaskedNegative = 3;
    private const int RegisterBytes = 16;

    private readonly Bytes _first;
    private readonly Bytes _second;
    private readonly byte _control;

    /// <param name="first">The first operand: the set, the ranges, the text to find.</param>
    /// <param name="second">The second operand: the text that is looked at.</param>
    /// <param name="firstLength">Valid elements of the first, or a number too large or negative.</param>
    /// <param name="secondLength">Valid elements of the second.</param>
    /// <param name="control">The immediate.</param>
    public TextComparison(Bytes first, Bytes second, long firstLength, long secondLength, byte control)
    {
        _first = first;
        _second = second;
        _control = control;
        FirstLength = Length(firstLength);
        SecondLength = Length(secondLength);
    }

    /// <summary>Elements in a register: 16 bytes or 8 words.</summary>
    public int Elements => (_control & FormatMask) != 0 ? RegisterBytes / 2 : RegisterBytes;

    public int FirstLength { get; }

    public int SecondLength { get; }

    /// <summary>The number of elements before the first that is 0.</summary>
    public static int ImplicitLength(Bytes text, byte control)
    {
        bool isWords = (control & FormatMask) != 0;
        uint zeros = isWords
            ? (uint)Vector128.ExtractMostSignificantBits(
                PackedCompare.Equal16(text, Bytes.Zero))
            : Vector128.ExtractMostSignificantBits(PackedCompare.Equal8(text, Bytes.Zero));
        int place = zeros == 0 ? RegisterBytes : BitOperations.TrailingZeroCount(zeros);
        return isWords ? place / 2 : place;
    }

    /// <summary>IntRes2 of the manual.</summary>
    public uint Result()
    {
        uint all = (1u << Elements) - 1;
        uint result = 0;
        for (int place = 0; place < Elements; place++)
        {
            result |= Matches(place) ? 1u << place : 0;
        }

        return ((_control >> PolarityShift) & 3) switch
        {
            PolarityNegative => ~result & all,
            PolarityMaskedNegative => result ^ ((1u << SecondLength) - 1),
            _ => result,
        };
    }

    /// <summary>Lengths count by magnitude, at most the register.</summary>
    private int Length(long length) => (int)Math.Min(length < 0 ? 0 - (ulong)length : (ulong)length, (ulong)Elements);

    private bool Matches(int place) => ((_control >> AggregationShift) & 3) switch
    {
        EqualAny => IsAny(place),
        Ranges => IsInRange(place),
        EqualEach => IsEqual(place, place),
        _ => Begins(place),
    };

    private bool IsAny(int place)
    {
        bool found = false;
        for (int at = 0; at < FirstLength && place < SecondLength; at++)
        {
            found |= Element(_first, at) == Element(_second, place);
        }

        return found;
    }

    private bool IsInRange(int place)
    {
        bool found = false;
        int value = Element(_second, place);
        for (int at = 0; at + 1 < FirstLength && place < SecondLength; at += 2)
        {
            found |= value >= Element(_first, at) && value <= Element(_first, at + 1);
        }

        return found;
    }

    /// <summary>Elements behind both ends are equal, behind one end they are not.</summary>
    private bool IsEqual(int first, int second) => (first < FirstLength, second < SecondLength) switch
    {
        (true, true) => Element(_first, first) == Element(_second, second),
        (false, false) => true,
        _ => false,
    };

    /// <summary>True if the first text begins here, or would if the register were longer.</summary>
    private bool Begins(int place)
    {
        for (int at = 0; at < FirstLength && place + at < Elements; at++)
        {
            if (place + at >= SecondLength || Element(_first, at) != Element(_second, place + at))
            {
                return false;
            }
        }

        return true;
    }

    private int Element(Bytes text, int place) => (_control & (FormatMask | SignedFormat)) switch
    {
        0 => text[place],
        FormatMask => Vector128.AsUInt16(text)[place],
        SignedFormat => (sbyte)text[place],
        _ => Vector128.AsInt16(text)[place],
    };
}
