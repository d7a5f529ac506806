// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu;

namespace KvmActors.Machine.Loaders;

/// <summary>Reads a guest image from the bytes of a file.</summary>
/// <remarks>
/// Recognised, in this order: a multiboot-1 header with addresses (any file format), a multiboot-1 header in an ELF32
/// or ELF64, a Linux kernel (an ELF that says "Linux version", or a bzImage), an ELF with a note of PVH's entry, and a
/// boot sector (55 AA at offset 510), which is loaded at 0x7C00 with all that follows it. Multiboot 2 is not there yet.
/// Every offset and length in the file is checked before use: no content of it can do worse than a
/// <see cref="BootImageException"/>.
/// </remarks>
public static class BootImageLoader
{
    /// <summary>Bytes of UTF-8 a command line may have, without the NUL that ends it.</summary>
    public const int CommandLineBytesMax = 4095;

    /// <summary>Where a flat binary goes, as a BIOS puts a boot sector.</summary>
    public const ulong FlatLoadAddress = 0x7C00;

    /// <summary>The end of conventional memory, which a flat binary may fill.</summary>
    public const ulong FlatEndAddress = 0x9_FC00;

    private const int SignatureOffset = 510;
    private const uint Multiboot2Magic = 0xE852_50D6;

    /// <param name="commandLine">Text for the guest; its first word names the image. Linux and PVH kernels, which have
    /// no such custom, get what follows.</param>
    /// <param name="initrd">The initial RAM disk, or nothing.</param>
    /// <param name="protocol">How to enter it, or null: as the file says.</param>
    /// <exception cref="BootImageException">The file is no image that can be booted, or damaged, or the command line
    /// does not fit.</exception>
    public static BootImage Load(
        ReadOnlyMemory<byte> file,
        string commandLine,
        ReadOnlyMemory<byte> initrd = default,
        BootProtocol? protocol = null)
    {
        CheckCommandLine(commandLine);
        if (file.IsEmpty)
        {
            throw BootImageException.Of(
                "a guest image", "an empty file", "Give a multiboot or Linux kernel, or a boot sector.");
        }

        BootImage image = (protocol ?? ProtocolOf(file.Span)) switch
        {
            BootProtocol.Multiboot => Multiboot(file, commandLine),
            BootProtocol.Linux => Linux(file, BehindName(commandLine)),
            BootProtocol.Pvh => Elf(file, BehindName(commandLine), BootProtocol.Pvh),
            BootProtocol.Flat => Flat(file, commandLine),
            null => throw Unrecognised(file.Span),
        };
        return initrd.IsEmpty || image.Protocol != BootProtocol.Flat
            ? image with { Initrd = initrd }
            : throw BootImageException.Of(
                "no initial RAM disk with a flat binary",
                $"one of {initrd.Length} bytes",
                "Leave it out: a boot sector is told of nothing.");
    }

    /// <summary>Takes any bytes as a flat binary, with or without a boot sector's signature.</summary>
    /// <exception cref="BootImageException">It is empty or does not fit below 0x9FC00.</exception>
    public static BootImage Flat(ReadOnlyMemory<byte> code, string commandLine)
    {
        CheckCommandLine(commandLine);
        const int BytesMax = (int)(FlatEndAddress - FlatLoadAddress);
        return code.Length is > 0 and <= BytesMax
            ? new BootImage(
                BootProtocol.Flat,
                [new BootSegment(new Gpa(FlatLoadAddress), code, (ulong)code.Length)],
                new Gpa(FlatLoadAddress),
                commandLine)
            : throw BootImageException.Of(
                $"a flat binary of 1 to {BytesMax} bytes",
                $"{code.Length}",
                "Load the rest from the first part, or build a multiboot kernel.");
    }

    private static BootProtocol? ProtocolOf(ReadOnlySpan<byte> file) =>
        MultibootHeader.Find(file) is not null ? BootProtocol.Multiboot
        : IsLinux(file) ? BootProtocol.Linux
        : ElfImage.Recognises(file) && ElfImage.HasPvhEntry(file) ? BootProtocol.Pvh
        : IsBootSector(file) ? BootProtocol.Flat
        : null;

    private static BootImage Multiboot(ReadOnlyMemory<byte> file, string commandLine) =>
        MultibootHeader.Find(file.Span) is not { } header ? throw Unrecognised(file.Span)
        : header.HasAddresses ? MultibootAddressImage.Read(file, header, commandLine)
        : ElfImage.Recognises(file.Span) ? ElfImage.Read(file, commandLine, BootProtocol.Multiboot)
        : throw BootImageException.Of(
            $"an ELF around the multiboot header at byte offset 0x{header.OffsetBytes:x}, or flags bit 16 in it",
            $"neither: the file starts with {StartOf(file.Span)}",
            "Link the kernel as ELF, or give the header its address fields.");

    private static BootImage Linux(ReadOnlyMemory<byte> file, string commandLine) =>
        LinuxBzImage.Recognises(file.Span)
            ? LinuxBzImage.Read(file, commandLine)
            : Elf(file, commandLine, BootProtocol.Linux);

    private static BootImage Elf(ReadOnlyMemory<byte> file, string commandLine, BootProtocol protocol) =>
        ElfImage.Recognises(file.Span)
            ? ElfImage.Read(file, commandLine, protocol)
            : throw BootImageException.Of(
                $"an ELF, to be entered by {protocol}",
                $"a file that starts with {StartOf(file.Span)}",
                "Give an uncompressed kernel (vmlinux).");

    private static string BehindName(string commandLine) =>
        commandLine.IndexOf(' ', StringComparison.Ordinal) is >= 0 and int end ? commandLine[(end + 1)..] : "";

    private static bool IsBootSector(ReadOnlySpan<byte> file) =>
        file.Length >= SignatureOffset + 2
        && file[SignatureOffset] == 0x55
        && file[SignatureOffset + 1] == 0xAA
        && !ElfImage.Recognises(file);

    /// <summary>The banner is in the read-only data of every Linux kernel, and the first that it prints.</summary>
    private static bool IsLinux(ReadOnlySpan<byte> file) =>
        LinuxBzImage.Recognises(file)
        || (ElfImage.Recognises(file) && file.IndexOf("Linux version "u8) >= 0);

    private static BootImageException Unrecognised(ReadOnlySpan<byte> file)
    {
        const string Expected =
            "a multiboot-1 kernel (magic 0x1BADB002, 4-byte aligned, in the first 8192 bytes), a Linux kernel "
            + "(vmlinux or bzImage), an ELF with PVH's note, or a boot sector (55 AA at offset 510)";
        if (HasMultiboot2Header(file))
        {
            return BootImageException.Of(
                Expected, "a multiboot-2 header", "Give the kernel a multiboot-1 header, beside the other if need be.");
        }

        return ElfImage.Recognises(file)
            ? BootImageException.Of(
                Expected,
                "an ELF without such a header",
                "A program for an operating system cannot boot. For a kernel, put the header into a section that the "
                + "linker script places first.")
            : BootImageException.Of(
                Expected, $"a file of {file.Length} bytes that starts with {StartOf(file)}", "Give a bootable image.");
    }

    private static bool HasMultiboot2Header(ReadOnlySpan<byte> file)
    {
        // Source: Multiboot2 Specification 2.0, section 3.1.1: 8-byte aligned, within the first 32,768 bytes.
        const int SearchBytes = 32_768;
        ImageReader reader = new(file);
        for (ulong offset = 0; offset < SearchBytes && reader.Holds(offset, 16); offset += 8)
        {
            const string What = "a multiboot-2 header";
            uint sum = unchecked(
                reader.UInt32(offset, What) + reader.UInt32(offset + 4, What)
                + reader.UInt32(offset + 8, What) + reader.UInt32(offset + 12, What));
            if (reader.UInt32(offset, What) == Multiboot2Magic && sum == 0)
            {
                return true;
            }
        }

        return false;
    }

    private static string StartOf(ReadOnlySpan<byte> file) =>
        Convert.ToHexStringLower(file[..Math.Min(file.Length, 8)]);

    private static void CheckCommandLine(string commandLine)
    {
        ArgumentNullException.ThrowIfNull(commandLine);
        int bytes = System.Text.Encoding.UTF8.GetByteCount(commandLine);
        if (bytes > CommandLineBytesMax || commandLine.Contains('\0', StringComparison.Ordinal))
        {
            throw BootImageException.Of(
                $"a command line of at most {CommandLineBytesMax} bytes without NUL",
                bytes > CommandLineBytesMax ? $"{bytes} bytes" : "a NUL in it",
                "Shorten it, or take the NUL out.");
        }
    }
}
