// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu;

namespace KvmActors.Machine.Loaders;

/// <summary>Reads a bzImage: Linux's compressed kernel, which unpacks itself in the guest.</summary>
/// <remarks>Source: Linux Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header" and "64-bit Boot Protocol".
/// </remarks>
internal static class LinuxBzImage
{
    private const int MagicOffset = 0x202;
    private const int SectorBytes = 512;
    private const ulong EntryOffset = 0x200;
    private const ushort VersionMin = 0x20C;
    private const ushort Kernel64 = 1 << 0;

    public static bool Recognises(ReadOnlySpan<byte> file) =>
        file.Length >= MagicOffset + 4 && file.Slice(MagicOffset, 4).SequenceEqual("HdrS"u8);

    public static BootImage Read(ReadOnlyMemory<byte> file, string commandLine)
    {
        ImageReader reader = new(file.Span);
        ushort version = reader.UInt16(0x206, "the version of Linux's boot protocol");
        ushort loadFlags = version >= VersionMin ? reader.UInt16(0x236, "xloadflags") : (ushort)0;
        if ((loadFlags & Kernel64) == 0)
        {
            throw BootImageException.Of(
                $"a Linux kernel of 64 bits with boot protocol {VersionMin >> 8}.{VersionMin & 0xFF} or later",
                $"protocol {version >> 8}.{version & 0xFF}, {(version < VersionMin ? "too old" : "32 bits")}",
                "Give a kernel for x86-64.");
        }

        const int SectorsDefault = 4;
        byte sectors = file.Span[LinuxBoot.SetupHeaderOffset];
        ulong kernelOffset = ((sectors == 0 ? (ulong)SectorsDefault : sectors) + 1) * SectorBytes;
        ulong loadAddress = reader.UInt64(0x258, "pref_address");
        uint memoryBytes = reader.UInt32(0x260, "init_size");
        if (!reader.Holds(kernelOffset, 1) || loadAddress > uint.MaxValue)
        {
            throw BootImageException.Of(
                $"a kernel behind its {kernelOffset} bytes of real-mode code, preferred below 4 GiB",
                $"a file of {file.Length} bytes, preferred at 0x{loadAddress:x}",
                "The file is cut short or damaged: build or copy it again.");
        }

        ReadOnlyMemory<byte> kernel = file[(int)kernelOffset..];
        int headerEnd = MagicOffset + file.Span[MagicOffset - 1];
        return new BootImage(
            BootProtocol.Linux,
            [new BootSegment(new Gpa(loadAddress), kernel, Math.Max(memoryBytes, (ulong)kernel.Length))],
            new Gpa(loadAddress + EntryOffset),
            commandLine)
        {
            SetupHeader = file[LinuxBoot.SetupHeaderOffset..Math.Min(headerEnd, file.Length)],
        };
    }
}
