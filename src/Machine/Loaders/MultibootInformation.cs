// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using KvmActors.Cpu.Memory;

namespace KvmActors.Machine.Loaders;

/// <summary>Builds the multiboot information structure with all it points to, as one block for one place in memory.
/// </summary>
/// <remarks>
/// Layout of the block: 0 the structure (120 bytes, its unused fields zero), then the memory map, the command line with
/// a NUL, the loader's name with a NUL, and the list of modules if there is one. Flags say which fields hold: 0
/// mem_lower and mem_upper, 2 cmdline, 3 mods, 6 mmap, 9 boot_loader_name.
/// Source: Multiboot Specification 0.6.96, section 3.3 "Boot information format".
/// </remarks>
internal static class MultibootInformation
{
    private const uint FlagMemory = 1u << 0;
    private const uint FlagCommandLine = 1u << 2;
    private const uint FlagModules = 1u << 3;
    private const uint FlagMemoryMap = 1u << 6;
    private const uint FlagLoaderName = 1u << 9;
    private const int StructureBytes = 120;
    private const int MapEntryBytes = 24;
    private const int ModuleBytes = 16;
    private const string LoaderName = "KvmActors";

    /// <param name="memoryBytes">Guest RAM.</param>
    /// <param name="address">GPA that the block will be written to, below 4 GiB.</param>
    /// <param name="module">Where the one module is, or null; its text is the loader's name.</param>
    public static byte[] Build(
        ulong memoryBytes, string commandLine, uint address, (uint Start, uint End)? module = null)
    {
        ImmutableArray<MemoryRange> map = MemoryMap.Of(memoryBytes);
        int mapBytes = map.Length * MapEntryBytes;
        byte[] text = Encoding.UTF8.GetBytes(commandLine);
        int textOffset = StructureBytes + mapBytes;
        int nameOffset = textOffset + text.Length + 1;
        int moduleOffset = (nameOffset + LoaderName.Length + sizeof(uint)) & ~(sizeof(uint) - 1);
        byte[] block = new byte[moduleOffset + (module is null ? 0 : ModuleBytes)];

        Put(block, 0, FlagMemory | FlagCommandLine | FlagMemoryMap | FlagLoaderName);
        Put(block, 4, (uint)(Math.Min(memoryBytes, MemoryMap.LowMemoryEnd) / 1024));
        ulong lowEnd = Math.Clamp(memoryBytes, MemoryMap.HighMemoryStart, GuestMemory.LowEndMax);
        Put(block, 8, (uint)((lowEnd - MemoryMap.HighMemoryStart) / 1024));
        Put(block, 16, address + (uint)textOffset);
        Put(block, 44, (uint)mapBytes);
        Put(block, 48, address + StructureBytes);
        Put(block, 64, address + (uint)nameOffset);
        for (int i = 0; i < map.Length; i++)
        {
            // "size" counts what follows it, so an entry takes size + 4 bytes.
            Span<byte> entry = block.AsSpan(StructureBytes + (i * MapEntryBytes));
            BinaryPrimitives.WriteUInt32LittleEndian(entry, MapEntryBytes - sizeof(uint));
            BinaryPrimitives.WriteUInt64LittleEndian(entry[4..], map[i].Start);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[12..], map[i].Bytes);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[20..], map[i].Type);
        }

        if (module is var (start, end))
        {
            Put(block, 0, FlagMemory | FlagCommandLine | FlagModules | FlagMemoryMap | FlagLoaderName);
            Put(block, 20, 1);
            Put(block, 24, address + (uint)moduleOffset);
            Put(block, moduleOffset, start);
            Put(block, moduleOffset + 4, end);
            Put(block, moduleOffset + 8, address + (uint)nameOffset);
        }

        text.CopyTo(block.AsSpan(textOffset));
        Encoding.ASCII.GetBytes(LoaderName).CopyTo(block.AsSpan(nameOffset));
        return block;
    }

    private static void Put(byte[] block, int offset, uint value) =>
        BinaryPrimitives.WriteUInt32LittleEndian(block.AsSpan(offset), value);
}
