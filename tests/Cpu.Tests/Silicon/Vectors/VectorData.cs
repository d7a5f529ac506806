// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Tests.Silicon.Vectors;

/// <summary>The files of vectors beside the test assembly.</summary>
internal static class VectorData
{
    public const string PoolsFile = "contents.pools";

    public static string Folder { get; } = Path.Combine(AppContext.BaseDirectory, "silicon-vectors");

    private static readonly Lazy<VectorPools> s_pools = new(() => ReadPools(Path.Combine(Folder, PoolsFile)));

    public static VectorPools Pools => s_pools.Value;

    /// <summary>Names without the extension.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        .. new DirectoryInfo(Folder).EnumerateFiles("*" + VectorFile.Extension)
            .Select(file => Path.GetFileNameWithoutExtension(file.Name))
            .Order(StringComparer.Ordinal),
    ];

    public static VectorFile Read(string name) =>
        VectorFile.Read(Path.Combine(Folder, name + VectorFile.Extension));

    public static VectorPools ReadPools(string path)
    {
        using BinaryReader reader = new(File.OpenRead(path));
        byte[] column = VectorFile.ReadColumn(reader);
        using BinaryReader words = new(new MemoryStream(column));
        return VectorPools.Read(words);
    }

    public static void WritePools(VectorPools pools, string path)
    {
        using MemoryStream column = new();
        using BinaryWriter words = new(column);
        pools.Write(words);
        using BinaryWriter writer = new(File.Create(path));
        VectorFile.WriteColumn(writer, column.ToArray());
    }

    /// <summary>What the inputs of a file's vectors come to, from the first of each shape.</summary>
    public static ulong InputDigest(IEnumerable<VectorShape> shapes, VectorPools pools)
    {
        VectorInputs inputs = new(pools);
        MachineImage image = new();
        ulong digest = pools.Digest();
        foreach (VectorShape shape in shapes)
        {
            inputs.Fill(shape, 0, image);
            digest = SplitMix64.Mix(digest ^ image.Flags) + SplitMix64.Increment;
            foreach (ulong word in image.Words)
            {
                digest = SplitMix64.Mix(digest ^ word) + SplitMix64.Increment;
            }
        }

        return digest;
    }
}
