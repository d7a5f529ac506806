// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu;
using KvmActors.Machine.Loaders;
using Xunit;

namespace KvmActors.Machine.Tests.Loaders;

public sealed class BootImageLoaderTests
{
    private static readonly byte[] s_code = [0xF4, 0xEB, 0xFD, 1, 2, 3];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_ELF_segment_goes_to_its_physical_address_and_a_virtual_entry_point_is_translated(bool is64)
    {
        ulong high = is64 ? 0xFFFF_FFFF_8010_0000 : 0xC010_0000;
        byte[] file = ImageBuilder.Elf(is64, s_code, virtualAddress: high, memoryBytes: 0x2000);

        BootImage image = BootImageLoader.Load(file, "a b");

        BootSegment segment = Assert.Single(image.Segments);
        Assert.Equal(new Gpa(0x10_0000), segment.Start);
        Assert.Equal(0x10_2000u, segment.End);
        Assert.Equal(s_code, segment.Bytes[12..].ToArray());
        Assert.Equal(new Gpa(0x10_000C), image.EntryPoint);
        Assert.Equal("a b", image.CommandLine);
        Assert.Equal(BootProtocol.Multiboot, image.Protocol);
    }

    [Fact]
    public void An_entry_point_that_is_physical_already_is_taken_as_it_is()
    {
        byte[] file = ImageBuilder.Elf(is64: false, s_code, virtualAddress: 0xC010_0000, entry: 0x10_000E);
        Assert.Equal(new Gpa(0x10_000E), BootImageLoader.Load(file, "").EntryPoint);
    }

    [Fact]
    public void A_multiboot_header_with_addresses_needs_no_file_format()
    {
        byte[] file = ImageBuilder.WithAddresses(s_code, bssEndAddress: 0x10_1000);

        BootImage image = BootImageLoader.Load(file, "");

        BootSegment segment = Assert.Single(image.Segments);
        Assert.Equal(new Gpa(0x10_0000), segment.Start);
        Assert.Equal(file, segment.Bytes.ToArray());
        Assert.Equal(0x10_1000u, segment.End);
        Assert.Equal(new Gpa(0x10_0030), image.EntryPoint);
    }

    [Fact]
    public void A_load_end_address_leaves_the_rest_of_the_file_behind()
    {
        byte[] file = ImageBuilder.WithAddresses(s_code, loadEndAddress: 0x10_0031);
        Assert.Equal(0x31, Assert.Single(BootImageLoader.Load(file, "").Segments).Bytes.Length);
    }

    [Fact]
    public void A_boot_sector_goes_to_0x7C00_with_all_that_follows_it()
    {
        byte[] file = new byte[1024];
        (file[510], file[511]) = (0x55, 0xAA);

        BootImage image = BootImageLoader.Load(file, "");

        Assert.Equal(BootProtocol.Flat, image.Protocol);
        Assert.Equal(new Gpa(0x7C00), image.EntryPoint);
        Assert.Equal(1024, Assert.Single(image.Segments).Bytes.Length);
    }

    public static TheoryData<string, byte[], string> BrokenImages => new()
    {
        { "empty", [], "an empty file" },
        { "text", "#!/bin/sh\necho no kernel\n"u8.ToArray(), "starts with 23212f62696e2f73" },
        { "zeros", new byte[4096], "starts with 0000000000000000" },
        { "bzImage of old", ImageBuilder.BzImage(s_code, version: 0x20B), "protocol 2.11, too old" },
        { "bzImage of 32 bits", ImageBuilder.BzImage(s_code, loadFlags: 0), "protocol 2.15, 32 bits" },
        { "bzImage cut short", ImageBuilder.BzImage([]), "a file of 1024 bytes" },
        { "other note", ImageBuilder.Pvh(s_code, noteType: 17), "an ELF without such a header" },
        { "note of another", ImageBuilder.Pvh(s_code, noteName: "GNU\0"), "an ELF without such a header" },
        { "PVH entry outside", ImageBuilder.Pvh(s_code, entry: 0x5000), "found 0x5000" },
        { "multiboot 2", Multiboot2(), "a multiboot-2 header" },
        { "ELF without header", ImageBuilder.Elf(is64: false, s_code)[..0x200], "an ELF without such a header" },
        { "object file", ImageBuilder.Elf(is64: true, s_code, type: 1), "type 1" },
        { "ARM", ImageBuilder.Elf(is64: true, s_code, machine: 183), "machine 183" },
        { "big-endian", With(ImageBuilder.Elf(is64: false, s_code), file => file[5] = 2), "data encoding 2" },
        {
            "no segment",
            With(ImageBuilder.Elf(is64: false, s_code), file => ImageBuilder.Put32(file, 52, 6)),
            "none among its 1 program headers"
        },
        {
            "segment beyond the file",
            With(ImageBuilder.Elf(is64: false, s_code), file => ImageBuilder.Put32(file, 56, 0xFFFF_FFF0)),
            "a file of 530 bytes"
        },
        {
            "program headers beyond the file",
            With(ImageBuilder.Elf(is64: true, s_code), file => ImageBuilder.Put64(file, 32, ulong.MaxValue - 8)),
            "a program header offset of 0xfffffffffffffff7"
        },
        {
            "segment larger in the file than in memory",
            ImageBuilder.Elf(is64: true, s_code, memoryBytes: 3),
            "0x3 in memory"
        },
        {
            "segment around the end of the address space",
            ImageBuilder.Elf(is64: true, s_code, physical: ulong.MaxValue - 4, entry: 0x10_0000),
            "GPA 0xfffffffffffffffb"
        },
        { "entry outside", ImageBuilder.Elf(is64: false, s_code, entry: 0x5000), "found 0x5000" },
        { "unknown requirement", With(
            new byte[64], file => ImageBuilder.PutMultiboot(file, 0, 8)), "flags 0x00000008" },
        { "neither ELF nor addresses", With(new byte[64], file => ImageBuilder.PutMultiboot(file, 0, 0)), "neither" },
        {
            "address fields cut off",
            With(new byte[40], file => ImageBuilder.PutMultiboot(file, 24, 1u << 16)),
            "with 16 bytes left"
        },
        {
            "load address above the header",
            ImageBuilder.WithAddresses(s_code, loadAddress: 0x10_0020),
            "load_addr 0x100020"
        },
        {
            "load address before the file",
            ImageBuilder.WithAddresses(s_code, loadAddress: 0x0F_0000),
            "load_addr 0xf0000"
        },
        {
            "load end beyond the file",
            ImageBuilder.WithAddresses(s_code, loadEndAddress: 0x20_0000),
            "load_end_addr 0x200000"
        },
        {
            "bss end inside the loaded bytes",
            ImageBuilder.WithAddresses(s_code, bssEndAddress: 0x10_0020),
            "found 0x100020"
        },
        { "entry address outside", ImageBuilder.WithAddresses(s_code, entryAddress: 1), "found 0x1." },
    };

    [Theory]
    [MemberData(nameof(BrokenImages))]
    public void A_broken_image_is_refused_with_what_was_expected_found_and_is_to_do(
        string name, byte[] file, string found)
    {
        BootImageException refused = Assert.Throws<BootImageException>(() => BootImageLoader.Load(file, ""));

        Assert.StartsWith("Expected ", refused.Message, StringComparison.Ordinal);
        Assert.True(
            refused.Message.Contains(found, StringComparison.Ordinal), $"{name}: no \"{found}\" in: {refused.Message}");
        Assert.EndsWith(".", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_command_line_that_does_not_fit_is_refused()
    {
        byte[] file = ImageBuilder.Elf(is64: false, s_code);
        _ = BootImageLoader.Load(file, new string('x', BootImageLoader.CommandLineBytesMax));
        _ = Assert.Throws<BootImageException>(
            () => BootImageLoader.Load(file, new string('x', BootImageLoader.CommandLineBytesMax + 1)));
        _ = Assert.Throws<BootImageException>(() => BootImageLoader.Load(file, "a\0b"));
    }

    [Fact]
    public void A_boot_protocol_that_is_asked_for_goes_before_what_the_file_says()
    {
        byte[] file = ImageBuilder.Elf(is64: true, s_code);
        Assert.Equal(BootProtocol.Multiboot, BootImageLoader.Load(file, "").Protocol);
        Assert.Equal(BootProtocol.Linux, BootImageLoader.Load(file, "", protocol: BootProtocol.Linux).Protocol);
        Assert.Equal(BootProtocol.Flat, BootImageLoader.Load(file, "", protocol: BootProtocol.Flat).Protocol);
        BootImageException refused = Assert.Throws<BootImageException>(
            () => BootImageLoader.Load(file, "", protocol: BootProtocol.Pvh));
        Assert.Contains("note of PVH's entry", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_flat_binary_takes_no_initial_RAM_disk() => Assert.Throws<BootImageException>(
        () => BootImageLoader.Load(s_code, "", initrd: s_code, protocol: BootProtocol.Flat));

    [Fact]
    public void A_flat_binary_that_reaches_beyond_conventional_memory_is_refused() =>
        Assert.Throws<BootImageException>(() => BootImageLoader.Flat(new byte[0xA_0000], ""));

    private static byte[] With(byte[] file, Action<byte[]> change)
    {
        change(file);
        return file;
    }

    private static byte[] Multiboot2() => With(new byte[2048], file =>
    {
        ImageBuilder.Put32(file, 8, 0xE852_50D6);
        ImageBuilder.Put32(file, 16, 24);
        ImageBuilder.Put32(file, 20, unchecked(0u - 0xE852_50D6 - 24));
    });
}
