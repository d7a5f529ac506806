// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using Iced.Intel;
using KvmActors.Cpu.Tests.Fpu;
using KvmActors.Cpu.Tests.Simd;

namespace KvmActors.Cpu.Tests.Silicon.Vectors.Recording;

/// <summary>Makes the values that vectors choose from, with the generators of the live tests.</summary>
internal sealed class PoolMaker(Random random)
{
    private const int EntriesMany = 1024;
    private const int EntriesFew = 128;
    private const int RareOdds = 16;
    private const uint AllMasked = 0x1F80;

    private readonly VectorContents _contents = new()
    {
        Masks = random => random.Next(2) == 0 ? AllMasked : ((uint)random.Next() & 0x3F) << 7,
    };

    private readonly FpuCaseGenerator _fpu = new(VectorLayout.BlockBase, bits: 64);

    public VectorPools Make()
    {
        ulong[][] pools = new ulong[VectorPools.ContentCount][];
        foreach (VectorContent content in Enum.GetValues<VectorContent>())
        {
            pools[(int)content] = Make(content);
        }

        return new VectorPools(pools);
    }

    private ulong[] Make(VectorContent content) => content switch
    {
        VectorContent.Integers => [.. Enumerable.Range(0, 2 * EntriesMany).Select(_ => EdgyNumber.Next(random))],
        VectorContent.PackedIntegers => FromContents(Code.Paddb_xmm_xmmm128),
        VectorContent.Singles => FromContents(Code.Addps_xmm_xmmm128),
        VectorContent.Doubles => FromContents(Code.Addpd_xmm_xmmm128),
        VectorContent.Text => FromContents(Code.Pcmpistri_xmm_xmmm128_imm8),
        VectorContent.Extended => Repeat(EntriesMany / 8, () => FpuImage(Code.Fadd_st0_sti)[4..20]),
        VectorContent.Decimals => Repeat(EntriesMany, Decimal),
        VectorContent.Mxcsr => Repeat(EntriesMany, MxcsrWords),
        VectorContent.FpuImages16 => Repeat(EntriesFew, () => FpuOperand(
            random.Next(2) == 0 ? Code.Fldenv_m14byte : Code.Frstor_m94byte)),
        VectorContent.FpuImages32 => Repeat(EntriesFew, () => FpuOperand(
            random.Next(2) == 0 ? Code.Fldenv_m28byte : Code.Frstor_m108byte)),
        VectorContent.FxImages => Repeat(EntriesFew, FxImage),
        VectorContent.FpuEnvironments => Repeat(EntriesMany, () => FpuImage(
            random.Next(RareOdds / 2) == 0 ? Code.Fnstcw_m2byte : Code.Fadd_st0_sti)[..4]),
        VectorContent.SimdEnvironments => Repeat(EntriesMany, () => SimdImage()[..4]),
    };

    private ulong[] FromContents(Code code)
    {
        Instruction instruction = default;
        instruction.Code = code;
        return Repeat(EntriesMany / 16, () =>
        {
            byte[] bytes = new byte[256];
            _contents.Fill(instruction, random, bytes);
            return Words(bytes);
        });
    }

    private ulong[] MxcsrWords()
    {
        Instruction instruction = default;
        instruction.Code = Code.Ldmxcsr_m32;
        byte[] bytes = new byte[16];
        _contents.Fill(instruction, random, bytes);
        ulong[] words = Words(bytes);
        words[0] |= random.Next(RareOdds) == 0 ? 1ul << random.Next(16, 64) : 0;
        return words;
    }

    private ulong[] FpuImage(Code code) => Words(_fpu.Make(code, random).FxState!);

    private ulong[] FpuOperand(Code code)
    {
        const int Base = 3;
        SiliconCase made = _fpu.Make(code, random);
        int at = (int)(made.Gprs[Base] + 8 - VectorLayout.BlockBase) - SiliconLayout.Data;
        return Words(made.Data.AsSpan(at, 128));
    }

    private ulong[] SimdImage()
    {
        Instruction instruction = default;
        instruction.Code = random.Next(2) == 0 ? Code.Addps_xmm_xmmm128 : Code.Addpd_xmm_xmmm128;
        return Words(_contents.FxState(instruction, random));
    }

    private ulong[] FxImage()
    {
        ulong[] words = SimdImage();
        ulong[] fpu = FpuImage(Code.Fadd_st0_sti);
        fpu.AsSpan(0, 3).CopyTo(words);
        fpu.AsSpan(4, 16).CopyTo(words.AsSpan(4));
        words[3] = (uint)words[3] | (random.Next(RareOdds) == 0 ? 0x1_0000ul : 0);
        return words;
    }

    private ulong[] Decimal()
    {
        byte[] bytes = new byte[16];
        for (int at = 0; at < 9; at++)
        {
            bytes[at] = random.Next(RareOdds) == 0
                ? (byte)random.Next(256)
                : (byte)(random.Next(10) | (random.Next(10) << 4));
        }

        if (random.Next(4) == 0)
        {
            bytes.AsSpan(random.Next(9)..9).Clear();
        }

        bytes[9] = (byte)(random.Next(2) << 7);
        return Words(bytes);
    }

    private static ulong[] Repeat(int count, Func<ulong[]> make) =>
        [.. Enumerable.Range(0, count).SelectMany(_ => make())];

    private static ulong[] Words(ReadOnlySpan<byte> bytes)
    {
        ulong[] words = new ulong[bytes.Length / 8];
        for (int word = 0; word < words.Length; word++)
        {
            words[word] = BinaryPrimitives.ReadUInt64LittleEndian(bytes[(word * 8)..]);
        }

        return words;
    }
}
