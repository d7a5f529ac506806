// SPDX-License-Identifier: Apache-2.0

using System.Runtime.Intrinsics;
using Bytes = System.Runtime.Intrinsics.Vector128<byte>;

namespace KvmActors.Cpu.Execute.Simd.Kernels;

/// <summary>Sums of absolute differences, and the smallest of eight words.</summary>
internal static class PackedDistance
{
    private const int Words = 8;
    private const int BlockBytes = 4;

    /// <summary>PSADBW.</summary>
    public static Bytes Sums(Bytes left, Bytes right)
    {
        Bytes differences = Vector128.Max(left, right) - Vector128.Min(left, right);
        return Vector128.Create(
            (ulong)Vector128.Sum(Vector128.WidenLower(differences)),
            (ulong)Vector128.Sum(Vector128.WidenUpper(differences))).AsByte();
    }

    /// <summary>MPSADBW: one block of 4 bytes of the second operand against 8 of the first, each a byte further.
    /// </summary>
    public static Bytes BlockSums(Bytes first, Bytes second, byte which)
    {
        int block = (which & 3) * BlockBytes;
        int start = ((which >> 2) & 1) * BlockBytes;
        Span<ushort> sums = stackalloc ushort[Words];
        for (int word = 0; word < Words; word++)
        {
            int sum = 0;
            for (int at = 0; at < BlockBytes; at++)
            {
                sum += Math.Abs(first[start + word + at] - second[block + at]);
            }

            sums[word] = (ushort)sum;
        }

        return Vector128.Create<ushort>(sums).AsByte();
    }

    /// <summary>PHMINPOSUW: the smallest word, and where the first of its kind is.</summary>
    public static Bytes Smallest(Bytes value)
    {
        Vector128<ushort> words = value.AsUInt16();
        int place = 0;
        for (int word = 1; word < Words; word++)
        {
            place = words[word] < words[place] ? word : place;
        }

        return Vector128.CreateScalar((uint)(words[place] | (place << 16))).AsByte();
    }
}
