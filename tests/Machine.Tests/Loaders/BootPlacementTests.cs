// SPDX-License-Identifier: Apache-2.0

using System.Text;
using KvmActors.Cpu;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Cpu.State;
using KvmActors.Machine.Loaders;
using KvmActors.Samples.Guests;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Machine.Tests.Loaders;

public sealed class BootPlacementTests(ITestOutputHelper output)
{
    private const ulong Memory = 16UL << 20;
    private static readonly byte[] s_code = [0xF4, 0xEB, 0xFD, 1, 2, 3];

    [Fact]
    public void A_multiboot_kernel_starts_in_the_state_of_the_specification()
    {
        using VirtualMachine machine = Create(ImageBuilder.Elf(is64: false, s_code), "kernel quiet");
        VcpuState vcpu = machine.Save().Vcpus[0];

        Assert.Equal(0x2BADB002u, vcpu.Gprs[0]);
        Assert.Equal(0x10_000Cu, vcpu.Rip);
        Assert.Equal(1u, vcpu.Cr0 & 0x8000_0001);
        Assert.Equal(0u, vcpu.Cr4);
        Assert.Equal(0u, vcpu.Efer);
        Assert.Equal(2u, vcpu.RFlags);
        Assert.All(vcpu.Segments.Take(6), segment => Assert.Equal((0u, uint.MaxValue), (segment.Base, segment.Limit)));
        Assert.Equal(0xC09Bu, vcpu.Segments[1].Attributes);
    }

    [Fact]
    public void The_information_structure_tells_memory_sizes_map_command_line_and_loader()
    {
        using VirtualMachine machine = Create(ImageBuilder.Elf(is64: false, s_code), "kernel quiet");
        ulong information = machine.Save().Vcpus[0].Gprs[3];

        Assert.Equal(0b10_0100_0101u, UInt32(machine, information));
        Assert.Equal(639u, UInt32(machine, information + 4));
        Assert.Equal((uint)((Memory >> 10) - 1024), UInt32(machine, information + 8));
        Assert.Equal("kernel quiet", Text(machine, UInt32(machine, information + 16)));
        Assert.Equal("KvmActors", Text(machine, UInt32(machine, information + 64)));
        Assert.Equal(3 * 24u, UInt32(machine, information + 44));
        uint map = UInt32(machine, information + 48);
        Assert.Equal((20u, 0u, 0x9_FC00u, 1u), MapEntry(machine, map));
        Assert.Equal((20u, 0x9_FC00u, 0x6_0400u, 2u), MapEntry(machine, map + 24));
        Assert.Equal((20u, 0x10_0000u, (uint)Memory - 0x10_0000, 1u), MapEntry(machine, map + 48));
    }

    [Fact]
    public void An_initial_RAM_disk_is_a_multiboot_module_behind_the_image()
    {
        byte[] initrd = [1, 2, 3, 4, 5];
        BootImage image = BootImageLoader.Load(ImageBuilder.Elf(is64: false, s_code), "kernel", initrd);
        using var machine = VirtualMachine.Create(Spec, [CpuidTable.Empty], HostVendor.Intel, image);
        ulong information = machine.Save().Vcpus[0].Gprs[3];

        Assert.Equal(0b10_0100_1101u, UInt32(machine, information));
        Assert.Equal(1u, UInt32(machine, information + 20));
        uint module = UInt32(machine, information + 24);
        uint start = UInt32(machine, module);
        Assert.Equal(0x10_1000u, start);
        Assert.Equal(start + 5, UInt32(machine, module + 4));
        Assert.Equal(initrd, Enumerable.Range(0, 5).Select(offset => Byte(machine, start + (ulong)offset)));
        Assert.Equal("KvmActors", Text(machine, UInt32(machine, module + 8)));
    }

    [Fact]
    public void The_information_structure_never_lies_in_the_image()
    {
        byte[] low = ImageBuilder.Elf(is64: false, s_code, physical: 0x1000, memoryBytes: 0x9_0000);
        using VirtualMachine machine = Create(low, "x");
        Assert.True(machine.Save().Vcpus[0].Gprs[3] >= 0x9_1000);
    }

    [Fact]
    public void An_image_that_does_not_fit_is_refused_with_both_sizes()
    {
        byte[] high = ImageBuilder.Elf(is64: false, s_code, physical: 0x100_0000 - 8);
        BootImageException refused = Assert.Throws<BootImageException>(() => Create(high, ""));
        Assert.Contains("16 MiB", refused.Message, StringComparison.Ordinal);
        Assert.Contains("0xfffff8", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Zeroed_memory_of_a_later_segment_covers_the_bytes_of_an_earlier_one()
    {
        BootImage image = new(
            BootProtocol.Multiboot,
            [
                new BootSegment(new Gpa(0x10_0000), Enumerable.Repeat((byte)0xAA, 0x3000).ToArray(), 0x3000),
                new BootSegment(new Gpa(0x10_0800), new byte[] { 1 }, 0x2000),
            ],
            new Gpa(0x10_0000),
            "");
        using var machine = VirtualMachine.Create(Spec, [CpuidTable.Empty], HostVendor.Intel, image);

        Assert.Equal(0xAA, Byte(machine, 0x10_07FF));
        Assert.Equal(1, Byte(machine, 0x10_0800));
        Assert.All(
            Enumerable.Range(0x801, 0x1FFF), offset => Assert.Equal(0, Byte(machine, 0x10_0000 + (ulong)offset)));
        Assert.Equal(0xAA, Byte(machine, 0x10_2800));
    }

    [Fact]
    public void Damaged_images_load_or_are_refused_and_nothing_else()
    {
        int seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        Random random = new(seed);
        byte[][] images =
        [
            StoryGuest.Build(HostVendor.Intel, StoryGuestSize.Short)[..0x1200],
            ImageBuilder.Elf(is64: true, s_code),
            ImageBuilder.Elf(is64: false, s_code),
            ImageBuilder.WithAddresses(s_code),
            ImageBuilder.Linux(s_code),
            ImageBuilder.Pvh(s_code),
            ImageBuilder.BzImage(s_code),
        ];
        int loaded = 0;
        for (int round = 0; round < 4000; round++)
        {
            byte[] damaged = [.. images[round % images.Length]];
            for (int change = random.Next(1, 6); change > 0; change--)
            {
                int interesting = Math.Min(damaged.Length, random.Next(2) == 0 ? 128 : damaged.Length);
                damaged[random.Next(interesting)] = (byte)random.Next(256);
            }

            try
            {
                using VirtualMachine machine = Create(damaged[..random.Next(damaged.Length + 1)], "");
                loaded++;
            }
            catch (BootImageException refused)
            {
                Assert.StartsWith("Expected ", refused.Message, StringComparison.Ordinal);
            }
        }

        output.WriteLine($"{loaded} loaded");
    }

    [Fact]
    public void A_multiboot_kernel_finds_real_mode_vectors_that_lead_to_a_return_from_interrupt()
    {
        const uint ClockVector = 8;
        const uint VideoVector = 0x10;
        using VirtualMachine machine = Create(ImageBuilder.Elf(is64: false, [0xF4]), "");

        Assert.Equal(0xCF, Byte(machine, LinearOf(UInt32(machine, VideoVector * 4))));
        ulong clock = LinearOf(UInt32(machine, ClockVector * 4));
        byte[] code = [.. Enumerable.Range(0, 7).Select(offset => Byte(machine, clock + (ulong)offset))];
        Assert.Equal([0x50, 0xB0, 0x20, 0xE6, 0x20, 0x58, 0xCF], code);

        static ulong LinearOf(uint pointer) => ((pointer >> 16) << 4) + (pointer & 0xFFFF);
    }

    private static MachineSpec Spec => new(1, Memory, HypercallPatchPolicy.Auto, MachineSpec.TurnTicksDefault);

    private static VirtualMachine Create(byte[] file, string commandLine) => VirtualMachine.Create(
        Spec, [CpuidTable.Empty], HostVendor.Intel, BootImageLoader.Load(file, commandLine));

    private static byte Byte(VirtualMachine machine, ulong address)
    {
        Span<byte> bytes = stackalloc byte[1];
        machine.Memory.Read(new Gpa(address), bytes);
        return bytes[0];
    }

    private static uint UInt32(VirtualMachine machine, ulong address)
    {
        Span<byte> bytes = stackalloc byte[4];
        machine.Memory.Read(new Gpa(address), bytes);
        return BitConverter.ToUInt32(bytes);
    }

    private static (uint Size, uint Start, uint Bytes, uint Type) MapEntry(VirtualMachine machine, uint at) =>
        (UInt32(machine, at), UInt32(machine, at + 4), UInt32(machine, at + 12), UInt32(machine, at + 20));

    private static string Text(VirtualMachine machine, uint address)
    {
        StringBuilder text = new();
        for (ulong at = address; Byte(machine, at) != 0; at++)
        {
            _ = text.Append((char)Byte(machine, at));
        }

        return text.ToString();
    }
}
