// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Tests.Silicon.Vectors;

/// <summary>The values that vectors choose from. They are recorded, so that the generators of the live tests may change
/// and the vectors stay.</summary>
/// <param name="words">By <see cref="VectorContent"/>: entries one after the other, neighbours being alike.</param>
internal sealed class VectorPools(ulong[][] words)
{
    public static readonly int ContentCount = Enum.GetValues<VectorContent>().Length;

    public ReadOnlySpan<ulong> this[VectorContent content] => words[(int)content];

    public static int WordsOf(VectorContent content) => content switch
    {
        VectorContent.Integers => 1,
        VectorContent.FpuImages16 or VectorContent.FpuImages32 => 16,
        VectorContent.FxImages => 64,
        VectorContent.FpuEnvironments or VectorContent.SimdEnvironments => 4,
        _ => 2,
    };

    /// <summary>What binds a file of vectors to the pools that it was recorded with.</summary>
    public ulong Digest()
    {
        ulong digest = 0;
        foreach (ulong[] pool in words)
        {
            foreach (ulong word in pool)
            {
                digest = SplitMix64.Mix(digest ^ word) + SplitMix64.Increment;
            }
        }

        return digest;
    }

    public void Write(BinaryWriter writer)
    {
        foreach (ulong[] pool in words)
        {
            writer.Write7BitEncodedInt(pool.Length);
            foreach (ulong word in pool)
            {
                writer.Write(word);
            }
        }
    }

    public static VectorPools Read(BinaryReader reader)
    {
        ulong[][] pools = new ulong[ContentCount][];
        for (int content = 0; content < pools.Length; content++)
        {
            pools[content] = new ulong[reader.Read7BitEncodedInt()];
            for (int word = 0; word < pools[content].Length; word++)
            {
                pools[content][word] = reader.ReadUInt64();
            }
        }

        return new VectorPools(pools);
    }
}
